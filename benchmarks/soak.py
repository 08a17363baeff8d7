"""Measure memory, keys and open files under steady mixed load: `python -m benchmarks.soak`.

Jobs live for the shortest time that can be set (a minute), so that keys and files reach a plateau.
Resident memory and open files of each role, and the number of Redis keys and stored files, are
sampled every ten seconds. After the warm-up a least-squares line is fitted to each series. A leak
is a slope whose whole 95 % interval lies above the bound. `--minutes` sets the duration, by default
20.
"""

import argparse
import math
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from benchmarks.chaos.broker import durable, wait_for
from benchmarks.chaos.forms import ENVIRONMENT, SHORT
from benchmarks.chaos.mix import Wish, wishes
from benchmarks.chaos.networks import write_models
from jobs.artifacts import ArtifactStore
from jobs.connection import connect
from jobs.settings import Settings
from retinoscope.redis_server import free_port
from retinoscope.stack import Plan, Stack, running

_EVERY_S = 10.0
_TTL_S = 60
# Models and allocators warm up first, then come the first expiries of jobs and their sweep.
_WARM_UP_S = 300.0
# Jobs per second.
_RATE = 1.5
_STREAMS = 4

# Growth per hour that does not count as a leak.
_SHARE_AN_HOUR = 0.10


@dataclass(frozen=True)
class Line:
    """A least-squares line through a series; slopes are per hour."""

    slope: float
    error: float  # half of the 95 % interval

    @classmethod
    def through(cls, seconds: Sequence[float], values: Sequence[float]) -> "Line":
        """Fit the line through at least three points."""
        count, hours = len(seconds), [second / 3600 for second in seconds]
        middle, mean = sum(hours) / count, sum(values) / count
        spread = sum((hour - middle) ** 2 for hour in hours)
        slope = (
            sum((hour - middle) * (value - mean) for hour, value in zip(hours, values, strict=True))
            / spread
        )
        rest = sum(
            (value - mean - slope * (hour - middle)) ** 2
            for hour, value in zip(hours, values, strict=True)
        )
        return cls(slope, 1.96 * math.sqrt(rest / (count - 2) / spread))

    def above(self, bound: float) -> bool:
        return self.slope - self.error > bound


def main() -> int:
    """Return the exit status: 1 if anything grows."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak")
    parser.add_argument("--minutes", type=float, default=20)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        samples = _soak(Path(folder), minutes * 60)
    return _report(samples)


Sample = dict[str, float]


def _soak(data: Path, seconds: float) -> list[Sample]:
    os.environ |= ENVIRONMENT | {
        "RETINOSCOPE_MODELS": str(write_models(data)),
        "RETINOSCOPE_JOB_TTL_S": str(_TTL_S),
    }
    with durable(data) as (redis, url):
        wait_for(url)
        os.environ["RETINOSCOPE_REDIS_URL"] = url
        with running(Plan("127.0.0.1", free_port(), data, workers=2)) as stack:
            stack.children.append(redis)
            ended = threading.Event()
            threads = [
                threading.Thread(target=_load, args=(stack.plan.address, ended), daemon=True)
            ]
            threads += [
                threading.Thread(target=_listen, args=(stack.plan.address, ended))
                for _ in range(_STREAMS)
            ]
            for thread in threads:
                thread.start()
            samples = list(_samples(stack, url, seconds))
            ended.set()
            for thread in threads:
                thread.join()
    return samples


def _mix() -> Iterator[Wish]:
    """Yield jobs forever, without toxic ones: here every process must live until the end."""
    for seed in range(1 << 30):
        yield from (wish for wish in wishes(SHORT, seed) if wish.kind != "toxic")


def _load(address: str, ended: threading.Event) -> None:
    """Post jobs at a steady rate, cancel some, and fetch the files of the latest finished one."""
    chance = random.Random(0)
    with httpx.Client(base_url=address, timeout=30) as client:
        for wish in _mix():
            if ended.wait(chance.expovariate(_RATE)):
                return
            try:
                _one(client, wish)
            except httpx.TransportError as error:
                print(f"load: {type(error).__name__}", file=sys.stderr)


def _one(client: httpx.Client, wish: Wish) -> None:
    answer = client.post(
        f"/v1/jobs/{wish.technique}", data=dict(wish.fields), files=wish.files() or None
    )
    if answer.status_code == 202 and wish.kind == "canceled":
        client.post(answer.json()["urls"]["cancel"])
    done = client.get("/v1/jobs", params={"status": "succeeded", "limit": "1"}).json()["items"]
    for item in done[0]["result"]["artifacts"] if done else ():
        client.get(item["url"])


def _listen(address: str, ended: threading.Event) -> None:
    """Watch one job after the other, as a client does."""
    with httpx.Client(base_url=address, timeout=10) as client:
        while not ended.wait(0.5):
            try:
                if items := client.get("/v1/jobs", params={"limit": "1"}).json()["items"]:
                    with client.stream("GET", items[0]["urls"]["events"]) as stream:
                        for _ in stream.iter_lines():
                            if ended.is_set():
                                return
            except httpx.TransportError:
                continue


def _samples(stack: Stack, url: str, seconds: float) -> Iterator[Sample]:
    redis = connect(url)
    files = ArtifactStore(Settings(redis_url=url, data=stack.plan.data).artifacts_location)
    began = time.monotonic()
    while (now := time.monotonic() - began) < seconds:
        keys: Sample = {
            "Redis keys": float(redis.dbsize()),
            "stored files": float(len(files.keys(""))),
        }
        yield {"seconds": now} | keys | _processes(stack)
        stack.watch()
        time.sleep(max(0.0, _EVERY_S - (time.monotonic() - began - now)))


def _processes(stack: Stack) -> Sample:
    """Return megabytes, open files and threads by role, summed over the workers."""
    sample: Sample = {}
    for child in stack.children:
        leader = psutil.Process(child.pid)
        for process in [leader, *leader.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                role = _role(child.name, process, leader)
                for what, value in _measures(process).items():
                    sample[f"{role}: {what}"] = sample.get(f"{role}: {what}", 0.0) + value
    return sample


def _measures(process: psutil.Process) -> Sample:
    with process.oneshot():
        memory, threads = process.memory_info().rss / 1e6, process.num_threads()
    return {"MB": memory, "threads": float(threads), "open files": float(process.num_fds())}


def _role(name: str, process: psutil.Process, leader: psutil.Process) -> str:
    if not name.startswith("worker"):
        return name
    if process == leader:
        return "worker parents"
    return "maintenance" if "workers.maintenance" in process.cmdline() else "worker children"


def _report(samples: list[Sample]) -> int:
    warm_up_s = min(_WARM_UP_S, 0.4 * samples[-1]["seconds"])
    warm = [sample for sample in samples if sample["seconds"] > warm_up_s]
    if len(warm) < 10:
        print("Too short: nothing is left after the warm-up.")
        return 1
    seconds = [sample["seconds"] for sample in warm]
    print(
        f"{len(warm)} samples in {seconds[-1] - seconds[0]:.0f} s, "
        f"after {warm_up_s:.0f} s of warm-up\n"
    )
    print("| | first | last | slope per hour | |\n| --- | ---: | ---: | ---: | --- |")
    leaks = 0
    for name in sorted(warm[0].keys() - {"seconds"}):
        values = [sample.get(name, 0.0) for sample in warm]
        line = Line.through(seconds, values)
        leak = line.above(_SHARE_AN_HOUR * max(values[0], 1.0))
        leaks += leak
        verdict = "GROWS" if leak else "flat"
        print(
            f"| {name} | {values[0]:.1f} | {values[-1]:.1f} "
            f"| {line.slope:+.1f} ± {line.error:.1f} | {verdict} |"
        )
    return int(leaks > 0)


if __name__ == "__main__":
    sys.exit(main())
