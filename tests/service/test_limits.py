"""Limits that are checked before acceptance: the cost of a job, and the jobs of one owner."""

from datetime import datetime
from typing import Any

import httpx
import pytest
from redis import Redis

from catalog.models import ModelDescription
from jobs import redis_keys
from jobs.api_keys import KeyRing
from jobs.registries import ModelRegistry
from jobs.settings import Settings
from tests.service.asking import queue, refused
from tests.service.conftest import Serve


@pytest.fixture
def thrifty(serve: Serve, settings: Settings) -> httpx.Client:
    return serve(settings.model_copy(update={"max_passes": 500}))


@pytest.mark.parametrize(
    ("technique", "fields", "estimate", "pointers"),
    [
        ("saliency", {"samples": 501}, "501", ["/samples"]),
        ("saliency", {"samples": 200, "check": "true"}, "526", ["/samples"]),
        ("integrated_gradients", {"samples": 11}, "550", ["/samples", "/steps"]),
        ("occlusion", {}, "625", ["/stride"]),
        ("rise", {"masks": 501}, "501", ["/masks"]),
        ("fooling", {"goal": "7", "steps": 501}, "501", ["/steps"]),
        (
            "deep_dream",
            {"targets": "class:3", "steps": 500},
            "images",
            ["/steps", "/size", "/octaves", "/zoom_frames"],
        ),
    ],
)
def test_the_estimate_the_limit_and_what_to_change_are_named(
    thrifty: httpx.Client,
    small: bytes,
    technique: str,
    fields: dict,
    estimate: str,
    pointers: list[str],
) -> None:
    answer = thrifty.post(f"/v1/jobs/{technique}", files={"image": small}, data=fields)
    way = "raise stride" if technique == "occlusion" else f"lower {pointers[-1][1:]}"
    problem = refused(answer, 422, "too_expensive", estimate, "500")
    assert way in problem["detail"].lower()
    assert [error["pointer"] for error in problem["errors"]] == pointers


def test_what_is_just_within_the_limit_is_taken(thrifty: httpx.Client, small: bytes) -> None:
    queue(thrifty, "saliency", small, samples=500)
    queue(thrifty, "predict", small)


def test_the_price_follows_the_model(own: httpx.Client, small: bytes, redis: Redis) -> None:
    """20,000 passes of a giant are no 20,000 passes of the default model."""
    giant = ModelDescription(
        model="vit_h_14", parameters=1, rectifiers=0, layers=[], multiplications=167 * 10**9
    )
    dear = {"model": "vit_h_14", "masks": 20_000}
    assert queue(own, "rise", small, **dear)["status"] == "queued"
    ModelRegistry(redis).describe("vit_h_14", giant.model_dump_json())
    answer = own.post("/v1/jobs/rise", files={"image": small}, data=dear)
    problem = refused(answer, 422, "too_expensive", "434", "5,000,000", "Lower masks")
    assert problem["errors"][0]["pointer"] == "/masks"
    queue(own, "rise", small, masks=20_000)
    assert waiting_in(redis, queue(own, "rise", small, model="vit_h_14", masks=10)) == "slow"
    assert waiting_in(redis, queue(own, "rise", small, masks=10)) == "fast"


def waiting_in(redis: Redis, job: dict[str, Any]) -> str:
    found = redis.hget(redis_keys.job(job["id"]), "queue")
    return str(found)


def test_a_job_without_a_deadline_gets_that_of_the_settings(
    serve: Serve, settings: Settings, small: bytes
) -> None:
    client = serve(settings.model_copy(update={"default_deadline_s": 90.5}))
    for sent, seconds in (({}, 90.5), ({"deadline_s": 12}, 12)):
        job = queue(client, "predict", small, **sent)
        moments = [datetime.fromisoformat(job[name]) for name in ("created_at", "deadline_at")]
        assert (moments[1] - moments[0]).total_seconds() == pytest.approx(seconds, abs=0.01)


def test_one_owner_cannot_take_all_places(serve: Serve, settings: Settings, small: bytes) -> None:
    client = serve(settings.model_copy(update={"max_queued_per_owner": 2}))
    ring = KeyRing(settings.keys_location)
    ada, bob = ({"X-API-Key": ring.create(name)} for name in ("ada", "bob"))

    def post(key: dict[str, str]) -> httpx.Response:
        return client.post("/v1/jobs/predict", files={"image": small}, headers=key)

    first, _ = post(ada), post(ada)
    answer = post(ada)
    refused(answer, 429, "too_many_jobs", "You have 2 waiting", "the limit is 2", "cancel")
    assert int(answer.headers["retry-after"]) >= 1
    assert post(bob).status_code == 202
    client.post(first.json()["urls"]["cancel"], headers=ada)
    assert post(ada).status_code == 202
