"""Labels of jobs: how they are sent, shown, found again and told to webhooks."""

import json

import httpx
import pytest
from redis import Redis

from jobs import redis_keys
from jobs.archiver import Archiver
from jobs.store import JobStore
from service.webhooks.message import message
from tests.service.asking import pages, queue, refused, store_image

BIRDS, DAY = {"project": "birds"}, {"project": "birds", "day": "2 = two"}


@pytest.fixture
def stored(own: httpx.Client, small: bytes) -> str:
    """Return the id of an image in the test's own API."""
    return store_image(own, small)["id"]


def found(own: httpx.Client, *labels: str, **query: str) -> list[str]:
    """Return the ids of the jobs that have all of these labels."""
    return [job["id"] for job in pages(own, label=list(labels), **query)]


def test_a_form_sends_each_label_and_json_sends_an_object(own: httpx.Client, stored: str) -> None:
    fields = {"image": stored, "label": ["project=birds", "day=2 = two"]}
    form = own.post("/v1/jobs/predict", data=fields)
    assert form.status_code == 202, form.text
    assert form.json()["labels"] == DAY == queue(own, "predict", stored, labels=DAY)["labels"]
    assert queue(own, "predict", stored)["labels"] == {}


def test_a_list_holds_the_jobs_that_have_all_labels(
    own: httpx.Client, stored: str, store: JobStore
) -> None:
    birds, day, _ = [queue(own, "predict", stored, labels=ls)["id"] for ls in (BIRDS, DAY, {})]
    saliency = queue(own, "saliency", stored, labels=BIRDS)["id"]
    assert found(own, "project=birds") == [saliency, day, birds]
    assert found(own, "project=birds", "day=2 = two") == [day]
    assert found(own, "project=birds", technique="saliency") == [saliency]
    assert found(own, "project=Birds") == found(own, "day=") == []
    own.post(f"/v1/jobs/{birds}/cancel")
    store.redis.zadd(redis_keys.ARCHIVING, {birds: 0})
    Archiver(store).move_due()
    assert store.redis.hget(redis_keys.job(birds), "params") is None
    assert found(own, "project=birds") == [saliency, day, birds]
    assert own.get(f"/v1/jobs/{birds}").json()["labels"] == BIRDS


def test_identical_jobs_share_their_work_whatever_their_labels(
    own: httpx.Client, stored: str, redis: Redis
) -> None:
    redis.set(redis_keys.weights("efficientnet_lite0"), "sha256:weights")
    first = queue(own, "predict", stored, labels=BIRDS, cache=True)
    second = queue(own, "predict", stored, labels=DAY, cache=True)
    assert redis.hget(redis_keys.job(second["id"]), "follows") == first["id"]
    assert own.get(f"/v1/jobs/{second['id']}").json()["labels"] == DAY


def test_labels_are_part_of_the_request_that_an_idempotency_key_names(
    own: httpx.Client, stored: str
) -> None:
    def post(labels: dict[str, str]) -> httpx.Response:
        body = {"image": stored, "labels": labels}
        return own.post("/v1/jobs/predict", json=body, headers={"Idempotency-Key": "one"})

    first = post(DAY)
    assert post(dict(reversed(DAY.items()))).json()["id"] == first.json()["id"]
    refused(post(BIRDS), 422, "idempotency_key_reused")


def test_a_webhook_names_them(own: httpx.Client, stored: str, store: JobStore) -> None:
    job = queue(own, "predict", stored, labels=DAY)
    own.post(f"/v1/jobs/{job['id']}/cancel")
    said = json.loads(message(store.get(job["id"]), "job.canceled"))
    assert said["data"]["labels"] == DAY


@pytest.mark.parametrize(
    "labels",
    [
        {f"key{number}": "" for number in range(17)},
        {"": "a"},
        {"k" * 64: "a"},
        {"a b": "a"},
        {"ä": "a"},
        {"a": "v" * 256},
        {"a": 1},
        {"a": None},
        ["a=b"],
        "a=b",
    ],
)
def test_what_is_no_label_is_refused(own: httpx.Client, stored: str, labels: object) -> None:
    answer = own.post("/v1/jobs/predict", json={"image": stored, "labels": labels})
    problem = refused(answer, 422, "invalid_parameters")
    assert problem["errors"][0]["pointer"].startswith("/labels"), problem


@pytest.mark.parametrize("sent", [["a"], ["=a"], ["a=1", "a=2"], ["a b=1"]])
def test_a_form_field_that_is_no_label_is_refused(
    own: httpx.Client, stored: str, sent: list[str]
) -> None:
    answer = own.post("/v1/jobs/predict", data={"image": stored, "label": sent})
    assert refused(answer, 422, "invalid_parameters")["errors"][0]["pointer"] == "/label"
    refused(own.get("/v1/jobs", params={"label": sent}), 422, "invalid_parameters", "label")


def test_as_many_and_as_long_as_allowed(own: httpx.Client, stored: str) -> None:
    labels = {f"{number:02}".ljust(63, "k"): "é" * 255 for number in range(16)}
    assert queue(own, "predict", stored, labels=labels)["labels"] == labels
