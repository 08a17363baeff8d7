"""Measure how long a small owner waits behind a large one: `python -m benchmarks.fair_share`.

A real stack runs with two workers for both queues. The owner `ada` posts 24 long jobs, then `bob`
posts one: first a `predict` behind jobs of `integrated_gradients`, then a job of the same technique
as the others. Printed is how many of the 24 had started before it. All had before fair share.
"""

import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from benchmarks.chaos.owners import headers, write_keys
from retinoscope.demo_plan import photograph
from retinoscope.redis_server import free_port
from retinoscope.stack import Plan, running

_JOBS = 24
_LONG = ("integrated_gradients", {"steps": "200"})
_SMALL = (("predict", {}), _LONG)
_PATIENCE_S = 300

Fields = dict[str, str]


def main() -> None:
    """Print the figures of both cases."""
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan("127.0.0.1", free_port(), Path(folder), workers=2)
        keys = write_keys(plan.data / "keys.json")
        with running(plan), httpx.Client(base_url=plan.address, timeout=90) as client:
            for technique, fields in _SMALL:
                print(measured(client, keys, technique, fields))


def measured(client: httpx.Client, keys: Fields, technique: str, fields: Fields) -> str:
    """Post the jobs of both owners, wait for the small owner's, and count what began before it."""
    large, small = headers(keys, "ada"), headers(keys, "bob")
    rivals = [posted(client, large, *_LONG) for _ in range(_JOBS)]
    own = ended(client, small, posted(client, small, technique, fields))
    now = [client.get(job["urls"]["self"], headers=large).json() for job in rivals]
    before = sum(bool(job["started_at"]) and began(job) < began(own) for job in now)
    for job in rivals:
        client.post(job["urls"]["cancel"], headers=large)
    return (
        f"{technique} behind {_JOBS} × {_LONG[0]}: {own['status']}, waited "
        f"{own['timing']['queued_s']:.1f} s; {before} of {_JOBS} had started before it"
    )


def posted(client: httpx.Client, key: Fields, technique: str, fields: Fields) -> dict[str, Any]:
    """Post one job that no earlier job can stand in for."""
    answer = client.post(
        f"/v1/jobs/{technique}",
        data=fields | {"cache": "false"},
        files={"image": photograph("coffee")},
        headers=key,
    )
    return answer.raise_for_status().json()


def ended(client: httpx.Client, key: Fields, job: dict[str, Any]) -> dict[str, Any]:
    """Wait until the job has ended."""
    deadline = time.monotonic() + _PATIENCE_S
    while not job["finished_at"]:
        if time.monotonic() > deadline:
            raise SystemExit(f"{job['technique']} did not end within {_PATIENCE_S} s")
        job = client.get(f"{job['urls']['self']}?wait=20", headers=key).json()
    return job


def began(job: dict[str, Any]) -> datetime:
    """Return when the job was first taken by a worker."""
    return datetime.fromisoformat(job["started_at"])


if __name__ == "__main__":
    main()
