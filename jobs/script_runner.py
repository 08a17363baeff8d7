"""Every move of a job from one state to another, atomic in Redis and checked in one place: `scripts/*.lua`.

queued  → running    claim       a worker takes it, or takes it over from one whose lease ended
running → running    heartbeat   the worker lives, with or without progress
running → running    swap        a newer preview or checkpoint takes the place of the last one
running → succeeded | failed | canceled    finish
queued  → succeeded  take        another job with the same work has the result; create does it at once
running → queued     give_back   the worker stops; recover, when its lease ended
queued  → canceled   cancel      (a running job is asked to stop, and its worker finishes it)
running → failed     recover or claim, once its workers died too often: poisoned
queued, running → failed    claim, heartbeat, finish or recover, once its deadline has passed
"""

from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

from redis import Redis
from redis.commands.core import Script

from jobs import redis_keys

Argument = str | int | float


class Transitions:
    """Runs the scripts on one Redis."""

    def __init__(self, redis: Redis, ttl_s: float) -> None:
        self._redis = redis
        self._ttl_ms = round(ttl_s * 1000)
        self._scripts: dict[str, Script] = {}

    def __call__(self, name: str, job_id: str, owner: str, *arguments: Argument) -> str:
        """Run one transition; returns the script's one-word answer."""
        return str(self.ask(name, job_id, owner, *arguments))

    def ask(self, name: str, job_id: str, owner: str, *arguments: Argument) -> Any:
        """Run one transition; returns the script's answer as it is."""
        keys = [
            redis_keys.job(job_id),
            redis_keys.events(job_id),
            redis_keys.LEASED,
            redis_keys.WAITING,
            redis_keys.EXPIRING,
            redis_keys.COUNTERS,
            redis_keys.owner_jobs(owner),
            redis_keys.owner_open(owner),
        ]
        return self._script(name)(keys=keys, args=[job_id, self._ttl_ms, *arguments])

    def _script(self, name: str) -> Script:
        if name not in self._scripts:
            self._scripts[name] = self._redis.register_script(source(name))
        return self._scripts[name]


@lru_cache
def source(name: str) -> str:
    """The text of a transition, with what all of them share before it."""
    folder = files("jobs") / "scripts"
    return (folder / "prelude.lua").read_text() + (folder / f"{name}.lua").read_text()


class Scripts:
    """Runs the scripts on one Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._scripts: dict[str, Script] = {}

    def __call__(self, name: str, keys: Sequence[str], *arguments: str | int) -> Any:
        """Run one script; returns what it returns."""
        if name not in self._scripts:
            text = (files("jobs") / "scripts" / f"{name}.lua").read_text()
            self._scripts[name] = self._redis.register_script(text)
        return self._scripts[name](keys=list(keys), args=list(arguments))
