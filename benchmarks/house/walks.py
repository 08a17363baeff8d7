"""Follow one job of three techniques through the API and a worker, and count what it passes.

`python -m benchmarks.house` runs this file in a process that imports another checkout, so nothing
here may depend on names that have changed since f98e178. Redis is real. The API is called through
Starlette's TestClient, and the worker's Runner in this process. A first job of each technique warms
all caches, and the second is counted.

A function counts once however often it is called, and comprehensions and generators belong to the
function around them. Frames from the runner to the network are those of the packages between
`Runner.run` and the first line of a traced network, both included, on the longest such stack.
"""

# ruff: noqa: PLC0415 – the settings of a checkout must be known before its modules are imported.

import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

ROOT = Path.cwd().resolve()
PACKAGES = ("catalog", "imaging", "jobs", "service", "workers", "retinoscope")
JOBS = {
    "deep_dream": {"octaves": "2", "steps": "1"},
    "occlusion": {"window": "75", "stride": "75"},
    "activation_maximization": {"target": "class:967", "size": "64", "steps": "2"},
}
WITH_IMAGE = ("deep_dream", "occlusion")
# Facts that should be made once for each job.
ONCE = ("parse_target", "find_model")
# The file name that torch.fx gives to the code of a traced module.
_TRACED = "<eval_with_key>"


class Walk:
    """Records calls of the packages' functions, from every thread, while it is on."""

    def __init__(self) -> None:
        self.on = False
        self.calls: list[CodeType] = []
        self.frames = 0

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Record calls inside the `with` block."""
        self.calls, self.frames, self.on = [], 0, True
        try:
            yield
        finally:
            self.on = False

    def profile(self, frame: FrameType, event: str, argument: Any) -> None:
        """Record one event of sys.setprofile."""
        if not self.on or event != "call":
            return
        code = frame.f_code
        if code.co_filename.startswith(_TRACED):
            self.frames = max(self.frames, frames_below_runner(frame))
        elif is_ours(code) and not code.co_name.startswith("<"):
            self.calls.append(code)

    def measures(self, technique: str, side: str) -> dict[str, str]:
        """Return what was recorded, as rows of the table."""
        files = [code.co_filename for code in self.calls]
        jumps = sum(one != other for one, other in pairwise(files))
        functions, names = len(set(self.calls)), Counter(code.co_name for code in self.calls)
        found = {
            f"{technique}, {side}: functions / files": f"{functions} / {len(set(files))}",
            f"{technique}, {side}: calls / changes of file": f"{len(files)} / {jumps}",
        }
        for name in ONCE:
            found[f"{technique}, {side}: calls of {name}"] = str(names[name])
        if self.frames:
            found[f"{technique}: frames from the runner to the network"] = str(self.frames)
        return found


def is_ours(code: CodeType) -> bool:
    """Return whether the code belongs to a package of the checkout."""
    path = Path(code.co_filename)
    return path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in PACKAGES


def frames_below_runner(frame: FrameType) -> int:
    """Count frames of the packages up to `Runner.run`, and the traced network's own."""
    count: int = 1
    current: FrameType | None = frame.f_back
    while current is not None:
        code = current.f_code
        count += is_ours(code) and not code.co_name.startswith("<")
        if code.co_name == "run" and code.co_filename.endswith("workers/runner.py"):
            return count
        current = current.f_back
    return 0


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Run a Redis, and yield its URL."""
    from redis import Redis, RedisError

    from jobs.process import tethered
    from retinoscope.redis_server import configure

    command, url = configure(folder)
    process = subprocess.Popen(tethered(command), stdout=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                Redis.from_url(url).ping()
                break
            except RedisError:
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait()


def photograph() -> bytes:
    """Return the PNG of an image of 600 × 400 pixels."""
    import numpy as np
    from PIL import Image

    coarse = np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(coarse).resize((600, 400), Image.Resampling.BICUBIC).save(buffer, "PNG")
    return buffer.getvalue()


def walk_all(walk: Walk) -> dict[str, str]:
    """Run two jobs of each technique, and return the rows of the second."""
    from fastapi.testclient import TestClient

    from jobs.settings import settings
    from service.app import create_app
    from workers.runner import Runner

    image, found = photograph(), {}
    # The client starts its threads now, so that the profiler reaches them.
    loopback: dict[str, Any] = {"base_url": "http://localhost", "client": ("127.0.0.1", 50000)}
    with TestClient(create_app(settings()), **loopback) as client:
        runner = Runner(settings(), lambda: False)
        runner.warm(["efficientnet_lite0"])
        for technique, fields in JOBS.items():
            files = {"image": image} if technique in WITH_IMAGE else None
            for _ in range(2):
                with walk.recorded():
                    sent = fields | {"seed": "1", "cache": "false"}
                    answer = client.post(f"/v1/jobs/{technique}", data=sent, files=files)
                assert answer.status_code == 202, answer.text
                posted = walk.measures(technique, "API")
                with walk.recorded():
                    runner.run(answer.json()["id"])
                job = client.get(answer.json()["urls"]["self"]).json()
                assert job["status"] == "succeeded", job["error"]
            found |= posted | walk.measures(technique, "worker")
    return found


def main() -> None:
    """Print the rows as one line of JSON."""
    # The checkout is in PYTHONPATH. This file's folder must not hide any of its modules.
    sys.path[:] = [entry for entry in sys.path if entry != str(Path(__file__).parent)]
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as url:
        os.environ |= {"RETINOSCOPE_REDIS_URL": url, "RETINOSCOPE_DATA": folder}
        walk = Walk()
        threading.setprofile(walk.profile)
        sys.setprofile(walk.profile)
        found = walk_all(walk)
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
