"""Limits that are checked before acceptance: the cost of a job, and the jobs of one owner."""

import httpx
import pytest

from jobs.api_keys import KeyRing
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


def test_one_owner_cannot_take_all_places(serve: Serve, settings: Settings, small: bytes) -> None:
    client = serve(settings.model_copy(update={"max_queued_per_owner": 2}))
    ring = KeyRing(settings.keys_location)
    ada, bob = ({"X-API-Key": ring.create(name)} for name in ("ada", "bob"))

    def post(key: dict[str, str]) -> httpx.Response:
        return client.post("/v1/jobs/predict", files={"image": small}, headers=key)

    first, _ = post(ada), post(ada)
    answer = post(ada)
    refused(answer, 429, "too_many_jobs", "cancel")
    assert int(answer.headers["retry-after"]) >= 1
    assert post(bob).status_code == 202
    client.post(first.json()["urls"]["cancel"], headers=ada)
    assert post(ada).status_code == 202
