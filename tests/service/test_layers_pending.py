"""A model that no worker has described yet: the answer comes soon, and says what to do."""

import threading
import time

import httpx
import pytest
from redis import Redis

from catalog.models import Layer, ModelDescription
from jobs.redis_keys import description_failure
from jobs.registries import ModelRegistry, WorkerRegistry
from tests.service.asking import refused, store_image

MODEL = "vit_h_14"
LAYERS = f"/v1/models/{MODEL}/layers"
EMPTY = {"parameters": 1, "rectifiers": 0, "layers": []}
# Far below the wait that is asked for, and far above what an answer takes.
SOON_S = 20


@pytest.fixture
def busy(redis: Redis) -> None:
    """Register a worker that never describes a model."""
    WorkerRegistry(redis).announce("busy")


def test_without_a_worker_there_is_nothing_to_wait_for(own: httpx.Client) -> None:
    began = time.monotonic()
    answer = own.get(LAYERS, params={"wait": 60})
    refused(answer, 503, "description_pending", f"'{MODEL}'", "`retinoscope worker`")
    assert int(answer.headers["retry-after"]) >= 1
    assert time.monotonic() - began < SOON_S


@pytest.mark.usefixtures("busy")
def test_the_answer_comes_after_the_wait_that_was_asked_for(own: httpx.Client) -> None:
    began = time.monotonic()
    answer = own.get(LAYERS, params={"wait": 0.5})
    refused(answer, 503, "description_pending", "Ask again", "?wait=60")
    assert int(answer.headers["retry-after"]) >= 1
    assert 0.5 <= time.monotonic() - began < SOON_S


@pytest.mark.usefixtures("busy")
def test_the_wait_ends_when_a_worker_has_described_the_model(
    own: httpx.Client, redis: Redis
) -> None:
    layer = Layer(path="stem", type="Conv2d", shape=[3, 4, 4], channels=3)
    known = ModelDescription(
        model=MODEL,
        parameters=1,
        rectifiers=1,
        layers=[layer],
        output=[1000],
        multiplications=400_000_000,
        gradient=False,
        map_gradient=True,
        unlisted={"norm": "its output is off by 0.1 of the largest"},
        left_out=["channels_last"],
        tested_with="retinoscope 0.2.0",
    )
    publish = threading.Timer(0.5, ModelRegistry(redis).describe, (MODEL, known.model_dump_json()))
    publish.start()
    answer = own.get(LAYERS, params={"wait": 60})
    publish.join()
    told = answer.json()
    assert [item["path"] for item in told["items"]] == ["stem"]
    for name in (
        "output",
        "multiplications",
        "gradient",
        "map_gradient",
        "unlisted",
        "left_out",
        "tested_with",
    ):
        assert told[name] == getattr(known, name)


@pytest.mark.usefixtures("busy")
def test_a_model_that_cannot_be_described_is_told_with_its_reason(
    own: httpx.Client, redis: Redis, small: bytes
) -> None:
    reason = "The builder nets:age of 'age' failed: TypeError: no width."
    failed = threading.Timer(0.5, ModelRegistry(redis).describe_failure, (MODEL, reason))
    failed.start()
    answer = own.get(LAYERS, params={"wait": 60})
    failed.join()
    refused(answer, 422, "description_failed", reason)
    body = {"image": store_image(own, small)["id"], "model": MODEL, "target": "conv_proj:3"}
    refused(own.post("/v1/jobs/saliency", json=body), 422, "description_failed", reason)


def test_the_reason_is_forgotten_after_a_minute_and_with_the_next_description(
    own: httpx.Client, redis: Redis
) -> None:
    registry = ModelRegistry(redis)
    registry.describe_failure(MODEL, "It failed.")
    assert 0 < redis.ttl(description_failure(MODEL)) <= 60
    registry.describe(MODEL, ModelDescription(model=MODEL, **EMPTY).model_dump_json())
    assert registry.failure(MODEL) is None
    assert own.get(LAYERS).json()["items"] == []


@pytest.mark.parametrize("wait", ["-1", "61", "long", ""])
def test_a_wait_that_cannot_be(own: httpx.Client, wait: str) -> None:
    refused(own.get(LAYERS, params={"wait": wait}), 422, "invalid_parameters", "wait")


def test_a_job_that_names_a_layer_does_not_wait_without_a_worker(
    own: httpx.Client, small: bytes
) -> None:
    """Its own worker will look the layer up."""
    image = store_image(own, small)["id"]
    began = time.monotonic()
    body = {"image": image, "model": MODEL, "target": "conv_proj:3"}
    assert own.post("/v1/jobs/saliency", json=body).status_code == 202
    assert time.monotonic() - began < 9
