"""Measure how soon a post is refused while Redis is away.

    python -m benchmarks.broker_away [--posts 20]

The Redis of a real stack is killed, or stopped with SIGSTOP. Each post of a photograph is timed.
"""

import argparse
import signal
import statistics
import tempfile
import time
from pathlib import Path

import httpx
import psutil

from retinoscope.demo_plan import photograph
from retinoscope.redis_server import free_port
from retinoscope.stack import Plan, Stack, running


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--posts", type=int, default=20)
    posts = parser.parse_args().posts
    print("| Redis | posts | answers | median, s | longest, s | /healthz | /readyz |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan("127.0.0.1", free_port(), Path(folder))
        with running(plan) as stack, httpx.Client(base_url=plan.address, timeout=90) as client:
            for name, number in (("killed", signal.SIGKILL), ("stands still", signal.SIGSTOP)):
                away(stack, client, name, number, posts)


def away(stack: Stack, client: httpx.Client, name: str, number: int, posts: int) -> None:
    """Print a row for one kind of outage. The stack is not watched, so that Redis stays away."""
    redis = next(child for child in stack.children if child.name == "redis")
    client.get("/v1/jobs").raise_for_status()
    psutil.Process(redis.pid).send_signal(number)
    seconds, codes = [], set()
    for _ in range(posts):
        began = time.monotonic()
        codes.add(
            client.post("/v1/jobs/predict", files={"image": photograph("coffee")}).status_code
        )
        seconds.append(time.monotonic() - began)
    alive, ready = client.get("/healthz"), client.get("/readyz")
    if number == signal.SIGSTOP:
        psutil.Process(redis.pid).send_signal(signal.SIGCONT)
    else:
        time.sleep(1)
        redis.revive()
    while client.get("/readyz").status_code != 200:
        time.sleep(0.1)
    answers = ", ".join(map(str, sorted(codes)))
    state = f"{ready.status_code}: {ready.json()['redis']}"
    print(
        f"| {name} | {posts} | {answers} | {statistics.median(seconds):.2f} | {max(seconds):.2f} "
        f"| {alive.status_code} | {state} |"
    )


if __name__ == "__main__":
    main()
