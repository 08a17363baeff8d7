"""Measure how soon a canceled job stops: `python -m benchmarks.cancel [--jobs 100] [--seed 0]`.

A real stack runs with one worker. Running jobs of several techniques are canceled at random
moments. Times are those of the machine's clock, which Redis shares: from just before the request is
sent to `finished_at`. Writes to a canceled job's record, events or folder are counted. There must
be none.
"""

import argparse
import json
import random
import statistics
import tempfile
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx

from retinoscope.demo_plan import photograph
from retinoscope.redis_server import free_port
from retinoscope.stack import Plan, running

# By technique: its fields, and how many units of its progress make one step.
WORK: dict[str, tuple[dict[str, str], int]] = {
    "occlusion": ({"window": "32", "stride": "4"}, 16),
    "rise": ({"masks": "4000"}, 16),
    "saliency": ({"samples": "1000"}, 8),
    "integrated_gradients": ({"steps": "500"}, 8),
    "activation_maximization": ({"target": "class:967", "steps": "500"}, 1),
    "deep_dream": ({"size": "300", "steps": "200"}, 1),
    "fooling": ({"goal": "class:lion", "steps": "300"}, 1),
}
WATCH_S = 3.0
PATIENCE_S = 60.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    dice = random.Random(chosen.seed)
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan("127.0.0.1", free_port(), Path(folder))
        with running(plan), httpx.Client(base_url=plan.address, timeout=90) as client:
            report(
                [
                    canceled(client, plan.data, dice, list(WORK)[i % len(WORK)])
                    for i in range(chosen.jobs)
                ]
            )


def canceled(
    client: httpx.Client, data: Path, dice: random.Random, technique: str
) -> dict[str, Any]:
    """Let one job run for a while, cancel it, and then watch that nothing more is written."""
    fields, batch = WORK[technique]
    files = {} if technique == "activation_maximization" else {"image": photograph("coffee")}
    job = (
        client.post(
            f"/v1/jobs/{technique}",
            data=fields | {"seed": "1", "cache": "false"},
            files=files or None,
        )
        .raise_for_status()
        .json()
    )
    self_url, folder = job["urls"]["self"], data / "artifacts" / "jobs" / job["id"]
    until(lambda: (client.get(self_url).json()["progress"] or {}).get("done"))
    time.sleep(dice.uniform(0, 1.5))
    asked = time.time()
    client.post(job["urls"]["cancel"]).raise_for_status()
    until(lambda: client.get(self_url).json()["status"] != "running")
    ended, events, files_then = client.get(self_url).json(), history(client, job), stored(folder)
    time.sleep(WATCH_S)
    same = client.get(self_url).json() == ended and history(client, job) == events
    return {
        "technique": technique,
        "status": ended["status"],
        "ms": (datetime.fromisoformat(ended["finished_at"]).timestamp() - asked) * 1000,
        "step_ms": step_ms(events, batch),
        "written": int(not same) + len(stored(folder).items() - files_then.items()),
    }


def until(true: Any) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > deadline:
            raise SystemExit("a job neither began nor ended within a minute")
        time.sleep(0.01)


def history(client: httpx.Client, job: dict[str, Any]) -> list[str]:
    """Return all events of an ended job, as lines `id: …`, `event: …` and `data: …`."""
    text = client.get(job["urls"]["events"], headers={"Last-Event-ID": "0"}).text
    return [line for line in text.splitlines() if line.startswith(("id:", "event:", "data:"))]


def stored(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def step_ms(events: list[str], batch: int) -> float:
    """Return the median time of one step, from the events' ids, which are milliseconds."""
    told, now = [], 0
    for line in events:
        if line.startswith("id:"):
            now = int(line.split(":")[1].strip().split("-")[0])
        elif line.startswith("data:") and '"done"' in line:
            told.append((now, json.loads(line.removeprefix("data:"))["done"]))
    paces = [(t1 - t0) / (d1 - d0) for (t0, d0), (t1, d1) in pairwise(told) if d1 > d0]
    return batch * statistics.median(paces) if paces else float("nan")


def report(found: list[dict[str, Any]]) -> None:
    print(
        "| technique | jobs | one step, ms | to `canceled`, ms: p50 | p99 | p99 less a step "
        "| written afterwards |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name in [*WORK, "all"]:
        rows = [
            one
            for one in found
            if one["status"] == "canceled" and name in (one["technique"], "all")
        ]
        if not rows:
            continue
        over = [one["ms"] - one["step_ms"] for one in rows]
        step = statistics.median(one["step_ms"] for one in rows)
        ms, written = [one["ms"] for one in rows], sum(one["written"] for one in rows)
        print(
            f"| {name} | {len(rows)} | {step:.0f} | {p(ms, 50):.0f} | {p(ms, 99):.0f} "
            f"| {p(over, 99):.0f} | {written} |"
        )
    others = [one for one in found if one["status"] != "canceled"]
    print(f"ended before they were canceled: {len(others)}")


def p(values: list[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(percent / 100 * len(ordered)))]


if __name__ == "__main__":
    main()
