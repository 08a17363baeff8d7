"""Style transfer over HTTP: contradictory parameters are refused before anything is queued."""

import httpx
import pytest

from tests.service.asking import refused

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
