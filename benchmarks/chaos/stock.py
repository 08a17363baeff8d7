"""The same mix and strikes on Celery's defaults: what a queue without records loses."""

import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from redis import RedisError

from benchmarks.chaos import broker
from benchmarks.chaos.forms import MAX_QUEUED, Form
from benchmarks.chaos.mix import Kind, Wish, wishes
from benchmarks.chaos.stock_app import LATE, URL, WITNESS, app, work
from benchmarks.chaos.strikes import Striker, Struck, schedule
from jobs.connection import connect
from retinoscope.child import Child
from retinoscope.stack import Plan, Stack

_STEP_S = 0.05
_QUIET_S = 30.0
_START_S = 4.0


@dataclass
class StockTally:
    """Numbers of jobs. Toxic and canceled ones never count as lost: nobody waits for them."""

    accepted: int = 0
    refused: int = 0
    lost: list[int] = field(default_factory=list)
    twice: list[int] = field(default_factory=list)
    started_again: list[int] = field(default_factory=list)
    toxic_starts: int = 0
    # Messages that return to the queue an hour after they were taken.
    unacknowledged: int = 0
    strikes: list[Struck] = field(default_factory=list)
    process_restarts: int = 0
    seconds: float = 0.0


def count(kinds: dict[int, Kind], witness: list[str]) -> StockTally:
    """Count from what was accepted and what the tasks noted. A pure function."""
    lines = Counter(line.strip() for line in witness)
    tally = StockTally(accepted=len(kinds))
    for number, kind in kinds.items():
        starts, ends = lines[f"start {number}"], lines[f"end {number}"]
        if kind == "toxic":
            tally.toxic_starts += starts
        elif kind != "canceled" and ends == 0:
            tally.lost.append(number)
        if ends > 1:
            tally.twice.append(number)
        if starts > 1 and kind != "toxic":
            tally.started_again.append(number)
    return tally


def run(form: Form, seed: int, *, late: bool) -> StockTally:
    """Run the benchmark on plain Celery.

    With `late`: append-only file, late acknowledgement, and rejection when a worker is lost.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="stock-") as folder:
        data = Path(folder)
        with (broker.durable if late else broker.stock)(data) as (redis, url):
            broker.wait_for(url)
            witness = data / "witness"
            witness.touch()
            os.environ |= {URL: url, WITNESS: str(witness)} | ({LATE: "1"} if late else {})
            with _workers(data, form, redis) as stack:
                tally = _storm(stack, url, form, seed, witness)
            tally.process_restarts = sum(child.restarts for child in stack.children)
    tally.seconds = time.monotonic() - began
    return tally


@contextmanager
def _workers(data: Path, form: Form, redis: Child) -> Iterator[Stack]:
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "benchmarks.chaos.stock_app",
        "worker",
        "-c",
        "1",
    ]
    children = [redis]
    for number in range(1, form.workers + 1):
        name = f"worker{number}"
        children.append(
            Child(name, [*command, "-n", f"{name}@%h"], {}, data / f"{name}.log", patience_s=5)
        )
    stack = Stack(Plan("127.0.0.1", 0, data), children)
    for child in children[1:]:
        child.start()
    time.sleep(_START_S)
    try:
        yield stack
    finally:
        stack.stop()


def _storm(stack: Stack, url: str, form: Form, seed: int, witness: Path) -> StockTally:
    posts = _Posts(url, wishes(form, seed))
    kinds = [kind for kind in schedule(form, seed) if kind != "api"]
    striker = Striker(stack, kinds, form.jobs, _Ready(), lambda: True, random.Random(seed))
    posts.start()
    changed, ends = time.monotonic(), 0
    while posts.alive or not striker.finished or time.monotonic() - changed < _QUIET_S:
        stack.watch()
        striker.step(len(posts.accepted) - posts.waiting())
        # Only ends count: a toxic task starts forever.
        if (now := witness.read_text().count("end")) != ends:
            changed, ends = time.monotonic(), now
        time.sleep(_STEP_S)
    tally = count(posts.accepted, witness.read_text().splitlines())
    tally.refused, tally.strikes = posts.refused, striker.done
    tally.unacknowledged = int(connect(url).hlen("unacked"))
    return tally


class _Ready:
    """Whether a worker has been alive for some seconds. Plain Celery has no worker registry."""

    def __init__(self) -> None:
        self._since: dict[int, float] = {}

    def __call__(self, child: Child) -> bool:
        assert child.pid is not None
        return time.monotonic() - self._since.setdefault(child.pid, time.monotonic()) > _START_S


class _Posts(threading.Thread):
    """Sends the tasks, with at most as many in the queue as in the run on our stack."""

    def __init__(self, url: str, wanted: list[Wish]) -> None:
        super().__init__(daemon=True)
        self.accepted: dict[int, Kind] = {}
        self.refused = 0
        app.conf.update(broker_url=url, result_backend=url)
        self._redis = connect(url)
        self._wanted = wanted

    @property
    def alive(self) -> bool:
        return self.is_alive()

    def waiting(self) -> int:
        """Return the number of messages in the queue, or the bound while Redis is away."""
        try:
            return int(self._redis.llen("celery"))
        except RedisError:
            return MAX_QUEUED

    def run(self) -> None:
        for wish in self._wanted:
            while self.waiting() >= MAX_QUEUED or not self._send(wish):
                time.sleep(_STEP_S)

    def _send(self, wish: Wish) -> bool:
        try:
            sent = work.delay(wish.number, wish.kind)
        except Exception:
            self.refused += 1
            return False
        self.accepted[wish.number] = wish.kind
        if wish.cancel_after_s is not None:
            timer = threading.Timer(wish.cancel_after_s, app.control.revoke, [sent.id])
            timer.daemon = True
            timer.start()
        return True
