"""Measure posts and polls per second, beside bare FastAPI and beside LitServe's echo.

    python -m benchmarks.service.posts [seconds of a run] [rounds]

Bare FastAPI does the same durable write. Each contender is one API process. No worker runs, so that
the machine's cores belong to the servers and to `wrk`. All contenders take their turn in every
round, and the table has the medians over the rounds.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import httpx

from benchmarks.service.wrk import Load, check_installed, load
from catalog.models import DEFAULT_MODEL
from jobs import redis_keys
from jobs.connection import connect
from retinoscope.child import Child
from retinoscope.demo_plan import photograph
from retinoscope.redis_server import configure, free_port
from retinoscope.stack import Plan, running
from tests.wait import wait_until

CLIENTS = (1, 16, 64)


@contextmanager
def started(name: str, command: list[str], url: str, folder: Path) -> Iterator[str]:
    """Run a server of the comparison, and yield its URL once it answers."""
    child = Child(name, command, {}, folder / f"{name}.log", patience_s=10)
    child.start()
    try:
        wait_until(lambda: _answers(url), 60)
        yield url
    finally:
        child.stop()


@contextmanager
def contenders(folder: Path) -> Iterator[dict[str, tuple[str, str]]]:
    """Run all servers, and yield each one's address and the JSON to post, or ''."""
    command, url = configure(folder)
    redis = Child("redis", command, {}, folder / "redis.log", patience_s=10)
    redis.start()
    os.environ |= {"RETINOSCOPE_REDIS_URL": url, "RETINOSCOPE_MAX_QUEUED": "100000000"}
    os.environ["RETINOSCOPE_MAX_QUEUED_PER_OWNER"] = "100000000"
    bare, echo = free_port(), free_port()
    python = [sys.executable, "-m"]
    serve_bare = [
        *python,
        "uvicorn",
        "benchmarks.service.bare:create_app",
        "--factory",
        "--no-access-log",
    ]
    serve_echo = [*python, "benchmarks.service.echo"]
    try:
        with (
            started(
                "bare", [*serve_bare, "--port", str(bare)], f"http://127.0.0.1:{bare}/docs", folder
            ),
            started("echo", [*serve_echo, str(echo)], f"http://127.0.0.1:{echo}/health", folder),
            running(Plan("127.0.0.1", free_port(), folder / "stack", workers=0)) as stack,
        ):
            connect(url).set(redis_keys.weights(DEFAULT_MODEL), "as after its first job")
            image, job = _prepared(stack.plan.address)
            body = json.dumps({"image": image, "cache": False})
            yield {
                "POST": (f"{stack.plan.address}/v1/jobs/saliency", body),
                "bare FastAPI, same write": (f"http://127.0.0.1:{bare}/jobs", body),
                "LitServe echo": (f"http://127.0.0.1:{echo}/predict", body),
                "GET": (f"{stack.plan.address}{job}", ""),
            }
    finally:
        redis.stop()


def _prepared(address: str) -> tuple[str, str]:
    """Return the id of a stored image, and the path of a job."""
    with httpx.Client(base_url=address, timeout=60) as client:
        image = client.post("/v1/images", files={"image": photograph("coffee")}).json()["id"]
        job = client.post("/v1/jobs/saliency", json={"image": image}).json()["urls"]["self"]
    return image, job


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def measured(seconds: int, rounds: int) -> dict[tuple[str, int], list[Load]]:
    results: dict[tuple[str, int], list[Load]] = {}
    with tempfile.TemporaryDirectory() as name, contenders(Path(name)) as all_of_them:
        for turn in range(rounds + 1):
            for clients in CLIENTS:
                for contender, (url, body) in all_of_them.items():
                    found = load(url, clients, seconds if turn else 1, Path(name), body)
                    assert not found.bad, f"{contender}: {found.bad} refusals"
                    # The first round only warms up.
                    if turn:
                        results.setdefault((contender, clients), []).append(found)
    return results


def table(results: dict[tuple[str, int], list[Load]]) -> str:
    lines = ["| | clients | per second | p50 ms | p99 ms |", "| --- | --- | --- | --- | --- |"]
    for (contender, clients), runs in results.items():
        rate, p50, p99 = (
            median(getattr(run, part) for run in runs) for part in ("rate", "p50_ms", "p99_ms")
        )
        lines.append(f"| {contender} | {clients} | {rate:,.0f} | {p50:.2f} | {p99:.1f} |")
    names = ("POST", "bare FastAPI, same write", "LitServe echo")
    ours, bare, echo = (median(run.rate for run in results[name, 64]) for name in names)
    return "\n".join(
        [
            *lines,
            "",
            f"At 64 clients: bare / POST {bare / ours:.2f}, POST / LitServe {ours / echo:.2f}.",
        ]
    )


if __name__ == "__main__":
    check_installed()
    numbers = [int(text) for text in sys.argv[1:]]
    print(table(measured(*(numbers or [4, 3]))))
