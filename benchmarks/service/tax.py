"""What the queue costs: from POST to the finished job, less what the technique takes where there is no queue.

    python -m benchmarks.service.tax [jobs]

One client, an idle stack, one worker. Each job over HTTP takes turns with the same technique in this process, with as
many torch threads that wait as they do in a worker (`jobs/process.py`); decoding the photograph and making the
files is a part of the technique.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles

import httpx
import torch

from catalog.models import DEFAULT_MODEL, find_model
from catalog.registry import find_technique
from retinoscope.demo_plan import photograph
from retinoscope.redis_server import free_port
from retinoscope.stack import Plan, running
from workers.execute import execute
from workers.models.describe import describe
from workers.models.load import load_model
from workers.toolkit.execution.context import LocalContext
from workers.toolkit.images.decode import decode

TECHNIQUES = ("predict", "saliency", "grad_cam")


def locally(technique: str, photo: bytes) -> Callable[[], None]:
    """The technique without server, queue and stores."""
    entry = find_model(DEFAULT_MODEL)
    model = load_model(entry, torch.device("cpu"))
    known = describe(model.name, model.network, model.weights)
    params = find_technique(technique).params(seed=1).resolved(entry)
    return lambda: void(
        execute(technique, params, model, {"image": decode(photo)}, LocalContext(), known)
    )


def remotely(technique: str, client: httpx.Client, image: str) -> Callable[[], None]:
    def post() -> None:
        body = {"image": image, "cache": False}
        answer = client.post(f"/v1/jobs/{technique}", json=body, headers={"Prefer": "wait=60"})
        assert answer.json()["status"] == "succeeded", answer.text

    return post


def void(_: object) -> None:
    """Drops a result."""


def timed(call: Callable[[], None]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def table(jobs: int) -> list[str]:
    photo, lines = (
        photograph("coffee"),
        ["| technique | over HTTP p50 ms | p90 | without queue p50 ms | the tax p50 ms |"],
    )
    lines.append("| --- | --- | --- | --- | --- |")
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Plan("127.0.0.1", free_port(), Path(folder))) as stack,
        httpx.Client(base_url=stack.plan.address, timeout=90) as client,
    ):
        image = client.post("/v1/images", files={"image": photo}).json()["id"]
        for technique in TECHNIQUES:
            ways = [remotely(technique, client, image), locally(technique, photo)]
            for way in ways * 3:
                way()
            runs = [[timed(way) for way in ways] for _ in range(jobs)]
            over, alone = ([run[i] for run in runs] for i in (0, 1))
            lines.append(
                f"| {technique} | {median(over):.1f} | {quantiles(over, n=10)[-1]:.1f} | {median(alone):.1f} "
                f"| {median(a - b for a, b in zip(over, alone, strict=True)):.1f} |"
            )
    return lines


if __name__ == "__main__":
    print("\n".join(table(int(sys.argv[1]) if sys.argv[1:] else 40)))
