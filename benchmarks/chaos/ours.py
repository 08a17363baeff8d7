"""The run on the real stack."""

import os
import random
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from redis import Redis, RedisError

from benchmarks.chaos.broker import durable, wait_for
from benchmarks.chaos.clients import Clients, Told
from benchmarks.chaos.count import Tally, count
from benchmarks.chaos.evidence import gather, stray_files
from benchmarks.chaos.forms import ENVIRONMENT, LEASE_S, Form
from benchmarks.chaos.leftovers import Leftovers, after_expiry, keys_without_expiry, messages
from benchmarks.chaos.mix import wishes
from benchmarks.chaos.networks import write_models
from benchmarks.chaos.owners import OWNERS, headers, write_keys
from benchmarks.chaos.recovery import recoveries
from benchmarks.chaos.strikes import Striker, Struck, schedule
from benchmarks.chaos.watcher import Watcher
from jobs import redis_keys
from jobs.artifacts import ArtifactStore
from jobs.connection import connect
from jobs.events import EventLog
from jobs.settings import Settings
from jobs.store import JobStore
from retinoscope.child import Child
from retinoscope.redis_server import free_port
from retinoscope.stack import Plan, Stack, running

# If no job ends for this time, those that have not ended count as left over.
_QUIET_PATIENCE_S = 120.0
_STEP_S = 0.05


@dataclass
class Outcome:
    """Everything that was counted."""

    form: Form
    seed: int
    told: Told
    keys: dict[str, str] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    strikes: list[Struck] = field(default_factory=list)
    recovery_ms: list[tuple[int, int]] = field(default_factory=list)
    ownerless_files: list[str] = field(default_factory=list)
    unnamed_files: list[str] = field(default_factory=list)
    eternal_keys: list[str] = field(default_factory=list)
    messages: int = 0
    expired: Leftovers = field(default_factory=Leftovers)
    process_restarts: int = 0
    seconds: float = 0.0

    @property
    def broken(self) -> dict[str, list[str]]:
        """The lists that must be empty and are not."""
        found = self.tally.broken | {
            "never accepted": ["jobs"] * (self.form.jobs - len(self.told.accepted)),
            "odd answers": self.told.odd,
            "artifacts without a job": self.ownerless_files,
            "keys without expiry": self.eternal_keys,
            "keys after expiry": self.expired.keys,
            "files after expiry": self.expired.files,
        }
        return {name: items for name, items in found.items() if items}


def run(form: Form, seed: int) -> Outcome:
    """Start the stack, strike, wait until all is quiet, and count."""
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="chaos-") as folder,
        _stack(Path(folder), form) as (stack, url),
    ):
        outcome = Outcome(form, seed, Told(), write_keys(stack.plan.data / "keys.json"))
        watcher = _storm(stack, url, outcome)
        _count(stack, url, outcome, watcher)
        outcome.process_restarts = sum(child.restarts for child in stack.children)
    outcome.seconds = time.monotonic() - began
    return outcome


@contextmanager
def _stack(data: Path, form: Form) -> Iterator[tuple[Stack, str]]:
    os.environ |= ENVIRONMENT | {"RETINOSCOPE_MODELS": str(write_models(data))}
    with durable(data) as (redis, url):
        wait_for(url)
        os.environ["RETINOSCOPE_REDIS_URL"] = url
        with running(Plan("127.0.0.1", free_port(), data, workers=form.workers)) as stack:
            stack.children.append(redis)
            yield stack, url


def _storm(stack: Stack, url: str, outcome: Outcome) -> Watcher:
    """Post, strike and supervise until every accepted job has ended, or nothing changes."""
    form = outcome.form
    clients = Clients(stack.plan.address, wishes(form, outcome.seed), outcome.told, outcome.keys)
    watcher = Watcher(stack.plan.address, outcome.told, outcome.keys)
    look, strikes = _Look(connect(url)), schedule(form, outcome.seed)
    striker = Striker(
        stack, strikes, form.jobs, look.ready, look.silent, random.Random(outcome.seed)
    )
    clients.start()
    watcher.start()
    while not (clients.finished and striker.finished and watcher.waiting == 0):
        if time.monotonic() - watcher.changed > _QUIET_PATIENCE_S:
            break
        stack.watch()
        striker.step(len(watcher.first))
        time.sleep(_STEP_S)
    outcome.strikes = striker.done
    return watcher


@dataclass
class _Look:
    """The state of the workers, as far as Redis shows it."""

    redis: Redis

    def ready(self, child: Child) -> bool:
        """Return whether this process works. Workers are registered; others start quickly."""
        if not child.name.startswith("worker"):
            return True
        try:
            until = self.redis.zscore(redis_keys.WORKERS, f"{socket.gethostname()}:{child.pid}")
        except RedisError:
            return False
        return until is not None and float(until) > time.time()

    def silent(self) -> bool:
        """Return whether a worker has missed more heartbeats than a busy machine explains."""
        soon = (time.time() + 0.3 * LEASE_S) * 1000
        try:
            return bool(self.redis.zcount(redis_keys.LEASED, "-inf", soon))
        except RedisError:
            return False


def _count(stack: Stack, url: str, outcome: Outcome, watcher: Watcher) -> None:
    _settle(stack)
    watcher.stop()
    redis = connect(url)
    settings = Settings(redis_url=url, data=stack.plan.data)
    files = ArtifactStore(settings.artifacts_location)
    evidence = []
    for owner in OWNERS:
        own = headers(outcome.keys, owner)
        with httpx.Client(base_url=stack.plan.address, timeout=30, headers=own) as client:
            evidence += gather(client, EventLog(redis), outcome.told, watcher.first, owner)
    outcome.tally = count(evidence)
    kills = [strike.at_ms for strike in outcome.strikes if strike.kind == "worker"]
    outcome.recovery_ms = [pair for item in evidence for pair in recoveries(item.moments, kills)]
    outcome.ownerless_files, outcome.unnamed_files = stray_files(
        JobStore(redis, settings), files, evidence
    )
    outcome.eternal_keys = keys_without_expiry(redis)
    outcome.messages = messages(redis)
    outcome.expired = after_expiry(redis, files)


def _settle(stack: Stack) -> None:
    """Give zombies the time of two leases to do harm, and jobs without a client time to end."""
    deadline = time.monotonic() + 2 * LEASE_S
    while time.monotonic() < deadline:
        stack.watch()
        time.sleep(_STEP_S)
