"""Style transfer over HTTP: contradictory parameters are refused before anything is queued."""

import httpx
import pytest
from redis import Redis

from catalog.models import Layer, ModelDescription
from jobs.registries import ModelRegistry
from tests.service.asking import refused, store_image
from tests.service.pictures import encoded, photo

pytestmark = pytest.mark.usefixtures("nothing_queued")


def ask(client: httpx.Client, stored: str, **fields: object) -> httpx.Response:
    return client.post(
        "/v1/jobs/style_transfer", json={"content": stored, "style": stored, **fields}
    )


def test_weights_must_fit_the_styles_that_were_sent(client: httpx.Client, stored: str) -> None:
    problem = refused(ask(client, stored, style_weights="1, 0.5"), 422, "invalid_parameters")
    assert "2 weights do not fit 1 styles" in problem["detail"]
    assert problem["errors"][0]["pointer"] == "/style_weights"


def test_the_style_is_needed(client: httpx.Client, stored: str) -> None:
    answer = client.post("/v1/jobs/style_transfer", json={"content": stored})
    assert "'style'" in refused(answer, 422, "image_missing")["detail"]


def test_an_unknown_layer_is_named(client: httpx.Client, stored: str) -> None:
    problem = refused(ask(client, stored, style_layers="bn1, blocks.9"), 422, "unknown_layer")
    assert "blocks.9" in problem["detail"]


def test_a_size_that_the_layers_do_not_take_is_refused_before_it_waits(
    own: httpx.Client, redis: Redis, small: bytes, coffee: bytes
) -> None:
    layer = Layer(path="encoder.ln", type="LayerNorm", shape=[4, 14, 14], channels=4, one_size=True)
    known = ModelDescription(model="vit_b_16", parameters=1, rectifiers=0, layers=[layer])
    ModelRegistry(redis).describe("vit_b_16", known.model_dump_json())
    oblong = store_image(own, small)["id"]
    square = store_image(own, encoded(photo(coffee).resize((64, 64))))["id"]
    problem = refused(
        ask(own, oblong, model="vit_b_16"), 422, "one_size_only", "224 × 224", "256 × 171"
    )
    assert problem["errors"][0]["pointer"] == "/size"
    fits = {"model": "vit_b_16", "size": 224, "scales": 1}
    refused(ask(own, oblong, **fits), 422, "one_size_only", "224 × 149")
    assert ask(own, square, **fits).status_code == 202
