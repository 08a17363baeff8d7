"""Redis pauses for longer than a lease: no accepted job is lost, and every process recovers."""

import signal
import time

import psutil
import pytest

from tests.retinoscope.serving import Serving, serving
from tests.retinoscope.test_crashes import ended, post, runs
from tests.wait import wait_until

pytestmark = pytest.mark.crash

LEASE_S = 1.0


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    brief = {"RETINOSCOPE_LEASE_S": str(LEASE_S), "RETINOSCOPE_PUBLISH_GRACE_S": "1"}
    with serving(tmp_path_factory.mktemp("away"), **brief) as stack:
        yield stack


def redis_of(stack: Serving) -> psutil.Process:
    return stack.find("redis-server")[0]


def test_everything_goes_on_after_redis_stood_still(stack: Serving, coffee: bytes) -> None:
    running = post(stack.client, coffee, stride="12", window="32")
    wait_until(lambda: runs(stack.client, running), 90)
    waiting = [post(stack.client, coffee, "predict") for _ in range(3)]
    parents = {process.pid for process in stack.workers()}
    redis = redis_of(stack)
    redis.send_signal(signal.SIGSTOP)
    try:
        stopped = time.monotonic()
        refused = stack.client.post("/v1/jobs/predict", files={"image": coffee})
        ready = stack.client.get("/readyz")
        assert stack.client.get("/healthz").status_code == 200
        time.sleep(max(0.0, 3 * LEASE_S - (time.monotonic() - stopped)))
    finally:
        redis.send_signal(signal.SIGCONT)
    assert (refused.status_code, refused.json()["code"]) == (503, "store_unavailable"), refused.text
    assert ready.status_code == 503 and ready.json()["redis"] == "unreachable (TimeoutError)"
    jobs = [ended(stack.client, url) for url in (running, *waiting)]
    assert [job["status"] for job in jobs] == ["succeeded"] * 4 and max(
        job["attempts"] for job in jobs
    ) <= 2
    assert ended(stack.client, post(stack.client, coffee, "predict"))["status"] == "succeeded"
    assert stack.client.get("/readyz").status_code == 200
    assert {process.pid for process in stack.workers()} == parents  # by themselves
