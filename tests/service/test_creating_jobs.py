"""A job that is accepted: 202, where to poll, and every resolved parameter."""

import base64
import json
import threading

import httpx
import pytest

from jobs.lease import claim
from jobs.store import JobStore
from tests.service.asking import ended, queue, run, store_image

# The fields of the job object.
FIELDS = {
    "id",
    "technique",
    "model",
    "status",
    "created_at",
    "started_at",
    "finished_at",
    "deadline_at",
    "expires_at",
    "labels",
    "params",
    "inputs",
    "progress",
    "preview",
    "cancel_requested",
    "result",
    "error",
    "cached",
    "attempts",
    "timing",
    "provenance",
    "urls",
}
DEFAULTS = {
    "model": "efficientnet_lite0",
    "target": "top",
    "window": 32,
    "stride": 8,
    "fill": "gray",
    "score": "probability",
    "aggregate": "mean",
    "check": False,
    "colormap": "RdBu_r",
    "color_range": "auto",
    "picture_side": 2048,
    "figure": "none",
}


def accepted(answer: httpx.Response) -> dict:
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert answer.headers["location"] == job["urls"]["self"] == f"/v1/jobs/{job['id']}"
    assert int(answer.headers["retry-after"]) >= 1
    return job


def test_a_form_a_reference_and_a_data_url_are_the_same_request(
    own: httpx.Client, small: bytes
) -> None:
    stored = store_image(own, small)["id"]
    url = f"data:image/png;base64,{base64.b64encode(small).decode()}"
    params = {"window": 64, "stride": 32, "seed": 5}
    answers = [
        own.post(
            "/v1/jobs/occlusion",
            files={"image": small},
            data={name: str(n) for name, n in params.items()},
        ),
        own.post("/v1/jobs/occlusion", data={"image": stored, **params}),
        own.post("/v1/jobs/occlusion", json={"image": stored, **params}),
        own.post("/v1/jobs/occlusion", json={"image": url, **params}),
    ]
    jobs = [accepted(answer) for answer in answers]
    assert all(job["params"] == DEFAULTS | params for job in jobs)
    assert all(job["inputs"]["image"]["id"] == stored for job in jobs)
    assert len({job["id"] for job in jobs}) == 4


def test_a_new_job_has_every_field(own: httpx.Client, small: bytes) -> None:
    job = queue(own, "occlusion", small)
    assert set(job) == FIELDS
    assert (job["technique"], job["model"], job["status"]) == (
        "occlusion",
        "efficientnet_lite0",
        "queued",
    )
    assert (
        job["started_at"]
        is job["finished_at"]
        is job["result"]
        is job["error"]
        is job["progress"]
        is None
    )
    assert (job["attempts"], job["cancel_requested"]) == (0, False)
    assert job["created_at"] < job["expires_at"]
    assert (
        job["inputs"]["image"].items() >= {"width": 300, "height": 200, "conversions": []}.items()
    )
    assert own.get(job["urls"]["self"]).json() == job


def test_a_seed_is_drawn_and_a_given_one_is_kept(own: httpx.Client, small: bytes) -> None:
    drawn = [queue(own, "occlusion", small)["params"]["seed"] for _ in range(3)]
    assert len(set(drawn)) == 3
    for seed in (0, 2**63 - 1):
        assert queue(own, "occlusion", small, seed=seed)["params"]["seed"] == seed


def test_a_finished_job_has_every_field(explained: dict) -> None:
    assert set(explained) == FIELDS
    assert (
        explained["created_at"]
        <= explained["started_at"]
        <= explained["finished_at"]
        < explained["expires_at"]
    )
    assert explained["attempts"] == 1
    assert explained["timing"]["queued_s"] >= 0
    assert explained["timing"]["run_s"] > 0
    assert explained["progress"]["done"] == explained["progress"]["total"]
    assert set(explained["provenance"]) == {
        "retinoscope",
        "torch",
        "device",
        "weights",
        "folded_batch_norm",
        "precision",
        "rounding",
        "seed",
        "together",
        "left_out",
        "worker",
    }
    assert explained["provenance"]["seed"] == explained["params"]["seed"] == 7
    assert explained["provenance"]["weights"].startswith("sha256:")
    assert {artifact["name"] for artifact in explained["result"]["artifacts"]} == {
        "heatmap.png",
        "overlay.png",
        "values.npy",
    }


def test_the_same_seed_gives_the_same_bytes(
    client: httpx.Client, coffee: bytes, explained: dict
) -> None:
    again = run(client, "saliency", coffee, **explained["params"])
    digests = [
        {a["name"]: a["sha256"] for a in job["result"]["artifacts"]} for job in (explained, again)
    ]
    assert digests[0]["values.npy"] == digests[1]["values.npy"]
    assert explained["result"]["summary"] == again["result"]["summary"]


@pytest.mark.parametrize("prefer", ["wait=60", "respond-async, wait=60", 'wait="60"', "wait=999"])
def test_a_client_that_prefers_to_wait_gets_the_finished_job(
    client: httpx.Client, small: bytes, prefer: str
) -> None:
    answer = client.post("/v1/jobs/predict", files={"image": small}, headers={"Prefer": prefer})
    assert answer.status_code == 200
    assert answer.headers["preference-applied"] == "wait=60"
    assert "retry-after" not in answer.headers
    assert answer.json()["status"] == "succeeded"
    assert answer.headers["location"] == answer.json()["urls"]["self"]


def test_a_wait_that_was_too_short_ends_in_202(own: httpx.Client, small: bytes) -> None:
    answer = own.post("/v1/jobs/predict", files={"image": small}, headers={"Prefer": "wait=1"})
    assert accepted(answer)["status"] == "queued"
    assert answer.headers["preference-applied"] == "wait=1"


def test_without_a_preference_nothing_is_applied(own: httpx.Client, small: bytes) -> None:
    for prefer in ("respond-async", "wait=soon", "nowait=5"):
        answer = own.post("/v1/jobs/predict", files={"image": small}, headers={"Prefer": prefer})
        accepted(answer)
        assert "preference-applied" not in answer.headers


def test_a_reader_who_waits_is_woken_by_the_end(
    own: httpx.Client, small: bytes, store: JobStore
) -> None:
    job = queue(own, "predict", small)
    lease = claim(store, job["id"])
    assert lease is not None
    seen: list[dict] = []
    reader = threading.Thread(target=lambda: seen.append(ended(own, job)))
    reader.start()
    lease.succeed({"predictions": []}, [], {})
    reader.join()
    assert seen[0]["status"] == "succeeded"


def test_a_reader_who_waits_in_vain_gets_the_job_as_it_is(own: httpx.Client, small: bytes) -> None:
    answer = own.get(queue(own, "predict", small)["urls"]["self"], params={"wait": 0.2})
    assert (answer.status_code, answer.json()["status"], answer.headers["retry-after"]) == (
        200,
        "queued",
        "1",
    )


def test_the_message_goes_to_the_redis_of_the_settings(
    own: httpx.Client, small: bytes, store: JobStore
) -> None:
    job = queue(own, "predict", small)
    texts = [
        text
        for key in store.redis.scan_iter("*celery:fast*")
        for text in store.redis.lrange(key, 0, -1)
    ]
    assert any(job["id"] in base64.b64decode(json.loads(text)["body"]).decode() for text in texts)
