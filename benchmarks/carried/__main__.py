"""Measure jobs that compute nothing through the whole service, with more and more workers.

    python -m benchmarks.carried [--jobs 2000] [--workers 1,2,4,8]

One API process, one Redis and the workers run on this machine, and clients post and poll. What is
counted on Redis does not depend on how busy the machine is: commands, bytes and processor time per
job. The last says how many jobs a second would fill one Redis, which runs commands on one core.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from redis import Redis

from jobs.connection import connect
from retinoscope.child import Child
from retinoscope.commands import api_command, worker_command
from retinoscope.redis_server import configure, free_port
from tests.wait import wait_until

_ROOT = Path(__file__).resolve().parents[2]
_CLIENTS = 16
_WARM_UP = 100


@dataclass(frozen=True)
class Counts:
    """What the processes have used so far."""

    at_s: float
    commands: int
    bytes: int
    redis_s: float
    api_s: float
    worker_s: float

    def since(self, before: "Counts", jobs: int) -> "Counts":
        """Return the use per job since then."""
        return Counts(
            **{
                name: (getattr(self, name) - getattr(before, name)) / jobs
                for name in self.__dataclass_fields__
            }
        )


def main() -> None:
    """Print a row for each number of workers."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--workers", default="1,2,4,8")
    chosen = parser.parse_args()
    print(
        "| workers | jobs/s | commands | bytes | Redis ms | API ms | workers ms "
        "| jobs/s that fill one Redis |"
    )
    print("| --- " * 8 + "|")
    for workers in map(int, chosen.workers.split(",")):
        used = measured(workers, chosen.jobs)
        print(
            f"| {workers} | {1 / used.at_s:.0f} | {used.commands:.0f} | {used.bytes:,.0f} "
            f"| {used.redis_s * 1e3:.2f} | {used.api_s * 1e3:.1f} | {used.worker_s * 1e3:.1f} "
            f"| {1 / used.redis_s:,.0f} |",
            flush=True,
        )


def measured(workers: int, jobs: int) -> Counts:
    """Carry the jobs with so many workers, and return what one job took."""
    with tempfile.TemporaryDirectory() as folder, processes(Path(folder), workers) as started:
        redis, address, children = started
        carry(address, _WARM_UP)
        before = counted(redis, children)
        carry(address, jobs)
        return counted(redis, children).since(before, jobs)


@contextmanager
def processes(folder: Path, workers: int) -> Iterator[tuple[Redis, str, dict[str, Child]]]:
    """Run Redis, one API process and the workers."""
    command, url = configure(folder)
    port = free_port()
    env = {
        "RETINOSCOPE_DATA": str(folder),
        "RETINOSCOPE_REDIS_URL": url,
        "PYTHONPATH": str(_ROOT),
        "OMP_NUM_THREADS": "1",
        "RETINOSCOPE_THREADS": "1",
    }
    commands = {"redis": command, "api": with_nothing(api_command("127.0.0.1", port))}
    commands |= {
        f"worker{i}": with_nothing(worker_command(f"worker{i}", "fast,slow"))
        for i in range(workers)
    }
    children = {
        name: Child(name, command, env, folder / f"{name}.log", patience_s=20)
        for name, command in commands.items()
    }
    try:
        for child in children.values():
            child.start()
        wait_until(lambda: ready(f"http://127.0.0.1:{port}", workers), 120)
        yield connect(url), f"http://127.0.0.1:{port}", children
    finally:
        for name in reversed(children):
            children[name].stop()


def with_nothing(command: list[str]) -> list[str]:
    """Return a command of the service that runs with the technique `nothing`."""
    at = command.index("-m")
    return [*command[: at + 1], "benchmarks.carried.process", *command[at + 1 :]]


def ready(address: str, workers: int) -> bool:
    """Return whether the API answers and knows of all workers."""
    try:
        state = httpx.get(f"{address}/readyz", timeout=2)
    except httpx.HTTPError:
        return False
    return state.status_code == 200 and state.json()["workers"] >= workers


def carry(address: str, jobs: int) -> None:
    """Post the jobs from several clients, and read each until it has succeeded."""
    with (
        httpx.Client(base_url=address, timeout=90) as client,
        ThreadPoolExecutor(_CLIENTS) as clients,
    ):
        list(clients.map(lambda _: carry_one(client), range(jobs)))


def carry_one(client: httpx.Client) -> None:
    """Post one job, and hold a request until it has ended."""
    job = client.post("/v1/jobs/nothing", json={"cache": False}).raise_for_status().json()
    while job["status"] in ("queued", "running"):
        job = client.get(f"{job['urls']['self']}?wait=30").raise_for_status().json()
    assert job["status"] == "succeeded", job["error"]


def counted(redis: Redis, children: dict[str, Child]) -> Counts:
    """Read all counters."""
    stats, cpu = redis.info("stats"), redis.info("cpu")
    return Counts(
        at_s=time.perf_counter(),
        commands=stats["total_commands_processed"],
        bytes=stats["total_net_input_bytes"] + stats["total_net_output_bytes"],
        redis_s=cpu["used_cpu_sys"] + cpu["used_cpu_user"],
        api_s=cpu_s(children["api"]),
        worker_s=sum(cpu_s(child) for name, child in children.items() if "worker" in name),
    )


def cpu_s(child: Child) -> float:
    """Return the processor seconds of a process and all that it has started."""
    top = psutil.Process(child.pid)
    times = [process.cpu_times() for process in [top, *top.children(recursive=True)]]
    return sum(time.user + time.system for time in times)


if __name__ == "__main__":
    main()
