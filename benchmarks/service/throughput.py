"""Measure finished jobs per second with 1, 8 and 64 clients.

    python -m benchmarks.service.throughput [seconds] [technique …]

Each client waits for its job and then posts the next. One worker runs on the machine's cores, and
reports in `provenance.together` how many jobs ran in one batch.
"""

import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import httpx

from retinoscope.demo_plan import photograph
from retinoscope.redis_server import free_port
from retinoscope.stack import Plan, running

CLIENTS = (1, 8, 64)
TECHNIQUES = ("predict", "saliency", "guided_backprop", "grad_cam")


def client_loop(
    address: str, technique: str, image: str, until: float, found: Counter[int]
) -> None:
    """Post a job and wait for it, repeatedly. `found` counts jobs by the size of their batch."""
    with httpx.Client(base_url=address, timeout=90) as client:
        while time.monotonic() < until:
            body = {"image": image, "cache": False}
            job = client.post(
                f"/v1/jobs/{technique}", json=body, headers={"Prefer": "wait=60"}
            ).json()
            assert job["status"] == "succeeded", job
            if time.monotonic() < until:
                found[job["provenance"].get("together", 1)] += 1


def rate(
    address: str, technique: str, image: str, clients: int, seconds: float
) -> tuple[float, float]:
    """Return jobs per second, and the mean number that ran in one batch."""
    found: Counter[int] = Counter()
    until = time.monotonic() + seconds
    threads = [
        threading.Thread(target=client_loop, args=(address, technique, image, until, found))
        for _ in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    jobs = found.total()
    return jobs / seconds, sum(size * count for size, count in found.items()) / max(jobs, 1)


def table(seconds: float, techniques: tuple[str, ...]) -> list[str]:
    lines = [
        "| technique | clients | jobs per second | ran together, mean |",
        "| --- | --- | --- | --- |",
    ]
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Plan("127.0.0.1", free_port(), Path(folder))) as stack,
    ):
        address = stack.plan.address
        image = httpx.post(
            f"{address}/v1/images", files={"image": photograph("coffee")}, timeout=60
        ).json()["id"]
        for technique in techniques:
            rate(address, technique, image, 2, 3)
            for clients in CLIENTS:
                jobs, together = rate(address, technique, image, clients, seconds)
                lines.append(f"| {technique} | {clients} | {jobs:.1f} | {together:.1f} |")
    return lines


if __name__ == "__main__":
    given = sys.argv[1:]
    print("\n".join(table(float(given[0]) if given else 10, tuple(given[1:]) or TECHNIQUES)))
