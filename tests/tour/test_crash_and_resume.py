"""A worker is killed in the middle of a job, and the job ends as if nothing had happened."""

import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.retinoscope.serving import serving
from tests.wait import wait_until

pytestmark = pytest.mark.crash


# A long optimization, whose result depends on its seed alone.
LONG = {"target": "class:967", "size": "64", "steps": "60", "seed": "5", "cache": "false"}
# A checkpoint every 0.2 s, and a lease of 1 s, so that this test does not take long.
SETTINGS = {"RETINOSCOPE_CHECKPOINT_EVERY_S": "0.2", "RETINOSCOPE_LEASE_S": "1"}


def create(client: httpx.Client) -> str:
    """Create the job, and return its address."""
    answer = client.post("/v1/jobs/activation_maximization", data=LONG)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["urls"]["self"])


def ended(client: httpx.Client, url: str) -> dict[str, Any]:
    """Return the job once it has succeeded."""
    job: dict[str, Any] = {}
    while job.get("status") not in ("succeeded", "failed"):
        job = client.get(url, params={"wait": 10}).json()
    assert job["status"] == "succeeded", job["error"]
    return job


def hashes(job: dict[str, Any]) -> dict[str, str]:
    return {artifact["name"]: artifact["sha256"] for artifact in job["result"]["artifacts"]}


def test_a_job_outlives_its_worker(tmp_path: Path) -> None:
    # This story needs a service of its own, since it kills what is in it.
    with serving(tmp_path, **SETTINGS) as service:
        client = service.client

        # Run the job once without any accident, to compare with.
        undisturbed = ended(client, create(client))
        assert undisturbed["attempts"] == 1

        # Create it again, and wait until almost half of its steps are done.
        url = create(client)

        def half_done() -> bool:
            progress = client.get(url).json()["progress"]
            return bool(progress and progress["done"] >= 0.4 * progress["total"])

        wait_until(half_done, 60)

        # Kill the worker and its children. SIGKILL leaves them no time to clean up anything.
        for process in service.workers():
            process.send_signal(signal.SIGKILL)

        # `retinoscope serve` starts another worker, as Kubernetes or systemd would. Nobody renews
        # the lease of the killed one. When it has expired, the reconciler queues the job again, and
        # the new worker continues from the last checkpoint in the object store.
        job = ended(client, url)
        assert job["attempts"] == 2

        # The image is the same to the last bit: the checkpoint holds the image, the state of the
        # optimizer and of the random generator, the step, and the losses so far.
        assert hashes(job) == hashes(undisturbed)
        assert job["result"]["summary"] == undisturbed["result"]["summary"]
