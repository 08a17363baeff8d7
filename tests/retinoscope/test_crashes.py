"""Workers and Redis are killed in the middle of work; what was accepted ends, once."""

import signal
import time

import httpx
import pytest

from tests.retinoscope.serving import Serving, serving
from tests.wait import wait_until

pytestmark = pytest.mark.crash

SLOW = {"stride": "10", "window": "32"}  # 441 patches: long enough to be hit


def post(client: httpx.Client, photo: bytes, technique: str = "occlusion", **fields: str) -> str:
    answer = client.post(
        f"/v1/jobs/{technique}", files={"image": photo}, data={"cache": "false", **fields}
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["urls"]["self"])


def runs(client: httpx.Client, url: str) -> bool:
    progress = client.get(url).json()["progress"]
    return progress is not None and progress["done"] > 0


def ended(client: httpx.Client, url: str) -> dict:  # type: ignore[type-arg]
    def final() -> dict | None:  # type: ignore[type-arg]
        try:
            job = client.get(url, params={"wait": 5}).json()
        except httpx.TransportError:
            return None
        return job if job.get("status") in ("succeeded", "failed", "canceled") else None

    return wait_until(final, 120)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    with serving(tmp_path_factory.mktemp("crashes")) as stack:
        yield stack


def kill_worker(stack: Serving) -> None:
    for process in stack.workers():
        process.send_signal(signal.SIGKILL)


def test_a_job_whose_worker_is_killed_succeeds_once(stack: Serving, coffee: bytes) -> None:
    url = post(stack.client, coffee, **SLOW)
    wait_until(lambda: runs(stack.client, url), 90)
    kill_worker(stack)
    job = ended(stack.client, url)
    assert job["status"] == "succeeded" and job["attempts"] == 2
    again = stack.client.get(url).json()
    assert again["finished_at"] == job["finished_at"] and again["attempts"] == 2


def test_only_the_child_is_killed_and_the_job_still_succeeds(stack: Serving, coffee: bytes) -> None:
    url = post(stack.client, coffee, **SLOW)
    wait_until(lambda: runs(stack.client, url), 90)
    parents = stack.workers()
    children = [process for process in parents if process.parent() in parents]
    assert children
    for child in children:
        child.send_signal(signal.SIGKILL)
    job = ended(stack.client, url)
    assert job["status"] == "succeeded" and job["attempts"] == 2


def test_a_child_that_is_made_after_a_sweep_still_reads_files(
    stack: Serving, coffee: bytes
) -> None:
    """The sweep must not run in the forking process: a fork loses the object store's threads."""
    stack.client.delete(ended(stack.client, post(stack.client, coffee, "predict"))["urls"]["self"])
    time.sleep(2)  # two turns of the reconciler, which looks whether the job's files are gone
    parents = stack.workers()
    for child in [process for process in parents if process.parent() in parents]:
        child.send_signal(signal.SIGKILL)
    assert ended(stack.client, post(stack.client, coffee, "saliency"))["status"] == "succeeded"


def test_nothing_accepted_is_lost_when_redis_is_killed(stack: Serving, coffee: bytes) -> None:
    running = post(stack.client, coffee, **SLOW)
    wait_until(lambda: runs(stack.client, running), 90)
    waiting = [post(stack.client, coffee, "saliency") for _ in range(5)]
    for process in stack.find("redis-server"):
        process.send_signal(signal.SIGKILL)
    began = time.monotonic()
    refused = stack.client.post("/v1/jobs/saliency", files={"image": coffee})
    assert refused.status_code in (202, 503), refused.text
    assert time.monotonic() - began < 20
    for url in [running, *waiting]:
        assert ended(stack.client, url)["status"] == "succeeded"


def test_a_worker_that_is_told_to_stop_gives_its_job_back_to_the_front(
    stack: Serving, coffee: bytes
) -> None:
    url = post(stack.client, coffee, **SLOW)
    wait_until(lambda: runs(stack.client, url), 90)
    waiting = [post(stack.client, coffee, "predict") for _ in range(5)]
    parents = stack.workers()
    for parent in [process for process in parents if process.parent() not in parents]:
        for _ in range(2):  # told twice is told once
            parent.send_signal(signal.SIGTERM)
            time.sleep(0.05)
    job = ended(stack.client, url)
    assert job["status"] == "succeeded" and job["attempts"] == 1
    assert all(ended(stack.client, other)["finished_at"] > job["finished_at"] for other in waiting)
