"""One idempotency key makes one job, whatever is killed while several clients send it."""

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.retinoscope.serving import Serving, serving
from tests.wait import wait_until

pytestmark = pytest.mark.crash


def test_fifty_requests_two_crashes_one_job(tmp_path: Path, coffee: bytes) -> None:
    with serving(tmp_path / "stack") as stack:
        with ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(lambda _: post(stack.client, coffee), range(50)))
        assert {answer.status_code for answer in answers} <= {200, 202}
        (job_id,) = {answer.json()["id"] for answer in answers}
        assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
        for name in ("uvicorn", "redis-server"):
            killed = stack.find(name)
            assert killed
            for process in killed:
                process.send_signal(signal.SIGKILL)
                process.wait(10)
            again = wait_until(lambda: answered(stack))
            assert post(stack.client, coffee).json()["id"] == again["items"][0]["id"] == job_id
            assert len(again["items"]) == 1
        last = post(stack.client, coffee, Prefer="wait=60")
        assert last.json()["status"] == "succeeded" and last.json()["attempts"] == 1
        assert last.headers["idempotency-replayed"] == "true"
        refused = stack.client.post(
            "/v1/jobs/saliency", files={"image": coffee}, headers={"Idempotency-Key": "one"}
        )
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")


def post(client: httpx.Client, photo: bytes, **headers: str) -> httpx.Response:
    return client.post(
        "/v1/jobs/predict", files={"image": photo}, headers={"Idempotency-Key": "one", **headers}
    )


def answered(stack: Serving) -> dict | None:  # type: ignore[type-arg]
    """The list of jobs, once there is an API and a Redis again."""
    try:
        answer = stack.client.get("/v1/jobs")
    except httpx.TransportError:
        return None
    return answer.json() if answer.status_code == 200 else None
