"""Cancel and delete, in every state of a job."""

import httpx
import pytest

from jobs.errors import Canceled
from jobs.lease import Lease, claim
from jobs.store import JobStore
from retinoscope.stack import Stack
from tests.jobs.test_statistics import load
from tests.service.asking import ended, queue, refused, run
from tests.wait import wait_until


def begun(own: httpx.Client, store: JobStore, small: bytes) -> tuple[dict, Lease]:
    """Create a job that a worker holds."""
    job = queue(own, "predict", small)
    lease = claim(store, job["id"])
    assert lease is not None
    return job, lease


def test_a_waiting_job_is_canceled_at_once(
    own: httpx.Client, small: bytes, store: JobStore
) -> None:
    job = queue(own, "predict", small)
    answer = own.post(job["urls"]["cancel"])
    assert (answer.status_code, answer.json()["status"]) == (200, "canceled")
    assert answer.json()["finished_at"] is not None
    assert claim(store, job["id"]) is None
    refused(
        own.get(f"{job['urls']['self']}/artifacts/a.png"),
        404,
        "artifact_not_found",
        "because the job is canceled",
    )


def test_a_running_job_is_asked_to_stop_and_then_stops(
    own: httpx.Client, small: bytes, store: JobStore
) -> None:
    job, lease = begun(own, store, small)
    answer = own.post(job["urls"]["cancel"])
    assert (answer.status_code, answer.json()["status"], answer.json()["cancel_requested"]) == (
        202,
        "running",
        True,
    )
    with pytest.raises(Canceled):
        lease.heartbeat()
    lease.cancel()
    assert own.get(job["urls"]["self"]).json()["status"] == "canceled"


def test_an_ended_job_stays_as_it_is(own: httpx.Client, small: bytes, store: JobStore) -> None:
    job, lease = begun(own, store, small)
    lease.succeed({"predictions": []}, [], {})
    before = own.get(job["urls"]["self"]).json()
    for _ in range(2):
        answer = own.post(job["urls"]["cancel"])
        assert (answer.status_code, answer.json()) == (200, before)


def test_a_running_job_is_not_deleted(own: httpx.Client, small: bytes, store: JobStore) -> None:
    job, lease = begun(own, store, small)
    refused(own.delete(job["urls"]["self"]), 409, "job_running", "cancel")
    assert own.get(job["urls"]["self"]).json()["status"] == "running"
    own.post(job["urls"]["cancel"])
    refused(own.delete(job["urls"]["self"]), 409, "job_running")
    lease.cancel()
    assert own.delete(job["urls"]["self"]).status_code == 204


def test_a_waiting_job_can_be_deleted(own: httpx.Client, small: bytes, store: JobStore) -> None:
    job = queue(own, "predict", small)
    answer = own.delete(job["urls"]["self"])
    assert (answer.status_code, answer.content) == (204, b"")
    refused(own.get(job["urls"]["self"]), 404, "job_not_found")
    assert load(store) == (0, 0, 0)


@pytest.mark.parametrize("job_id", ["0" * 32, "x", "%00", "*", "a" * 3000])
def test_a_job_that_never_was(client: httpx.Client, job_id: str) -> None:
    for method, rest in (
        ("GET", ""),
        ("DELETE", ""),
        ("POST", "/cancel"),
        ("GET", "/artifacts/values.npy"),
    ):
        refused(client.request(method, f"/v1/jobs/{job_id}{rest}"), 404, "job_not_found")


def test_a_deleted_job_is_gone_with_its_files(
    client: httpx.Client, stack: Stack, small: bytes
) -> None:
    job = run(client, "saliency", small)
    folder = stack.plan.data / "artifacts" / "jobs" / job["id"]
    files = [artifact["url"] for artifact in job["result"]["artifacts"]]
    assert all(client.get(url).status_code == 200 for url in files)
    assert any(path.is_file() for path in folder.rglob("*"))
    assert client.delete(job["urls"]["self"]).status_code == 204
    for url in (job["urls"]["self"], *files):
        refused(client.get(url), 404, "job_not_found")
    refused(client.delete(job["urls"]["self"]), 404, "job_not_found")
    assert not any(path.is_file() for path in folder.rglob("*"))
    assert job["id"] not in [item["id"] for item in client.get("/v1/jobs").json()["items"]]


def test_a_long_job_stops_and_the_next_one_runs(client: httpx.Client, small: bytes) -> None:
    long = queue(client, "saliency", small, samples=1000)
    behind = queue(client, "saliency", small, samples=1000)
    after = queue(client, "predict", small)
    wait_until(lambda: (client.get(long["urls"]["self"]).json()["progress"] or {}).get("done"), 60)
    assert client.post(behind["urls"]["cancel"]).status_code == 200
    assert client.post(long["urls"]["cancel"]).status_code == 202
    stopped = ended(client, long)
    assert (stopped["status"], stopped["result"], stopped["error"]) == ("canceled", None, None)
    assert stopped["progress"]["done"] < 1000
    assert ended(client, after)["status"] == "succeeded"
    never = client.get(behind["urls"]["self"]).json()
    assert (never["status"], never["attempts"], never["started_at"]) == ("canceled", 0, None)


def test_a_full_queue_says_so_and_takes_nothing(serve, settings, small: bytes) -> None:
    own = serve(settings.model_copy(update={"max_queued": 2}))
    kept = [queue(own, "predict", small) for _ in range(2)]
    answer = own.post("/v1/jobs/predict", files={"image": small})
    refused(answer, 503, "queue_full", "later")
    assert int(answer.headers["retry-after"]) >= 1
    assert len(own.get("/v1/jobs").json()["items"]) == 2
    own.post(kept[0]["urls"]["cancel"])
    queue(own, "predict", small)
