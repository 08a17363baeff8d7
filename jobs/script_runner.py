"""Runs the Lua scripts of `jobs/scripts` on Redis, with named arguments and named constants.

A script names its keys with `local record, events = unpack(KEYS)` and its arguments with
`local token, lease_ms = ...`. Python passes the arguments by the same names. The runner joins the
constants below, `common.lua`, further shared files and the script itself into one text, and binds
each `...` to the values of the names before it. Numbers, booleans and lists keep their types,
because the values travel as one JSON array.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

from redis import Redis
from redis.commands.core import Script

from jobs import redis_keys
from jobs.webhook import EVENTS

Constant = str | int | Sequence[str] | Sequence[int]
Argument = str | int | float | Sequence[str] | Mapping[str, Any]

# What scripts and Python both know. Patterns are filled in by Lua's string.format.
CONSTANTS: dict[str, Constant] = {
    "CHANGES": redis_keys.CHANGES,
    "CANCELS": redis_keys.CANCELS,
    "ARCHIVING": redis_keys.ARCHIVING,
    "RECORD": redis_keys.job("%s"),
    "OWNER_JOBS": redis_keys.owner_jobs("%s"),
    "OWNER_OPEN": redis_keys.owner_open("%s"),
    "READY": redis_keys.owner_ready("%s", "%s"),
    "RUNNING": redis_keys.owner_running("%s"),
    "USAGE": redis_keys.owner_usage("%s", "%d"),
    "STARTS": redis_keys.fair_starts("%s"),
    "DEBTS": redis_keys.fair_debts("%s"),
    "CLOCK": redis_keys.fair_clock("%s"),
    "STATISTICS": redis_keys.STATISTICS,
    "QUEUED": redis_keys.queued("%s"),
    "BUCKETS_MS": list(redis_keys.BUCKETS_MS),
    "DELIVERY": redis_keys.delivery("%s"),
    "OWNERS_DUE": redis_keys.OWNERS_DUE,
    "OWNER_DUE": redis_keys.owner_due("%s"),
    "HOST_DUE": redis_keys.host_due("%s", "%s"),
    "DELIVERIES_OPEN": redis_keys.DELIVERIES_OPEN,
    "WEBHOOK_EVENTS": [event.removeprefix("job.") for event in EVENTS],
    "FOLLOWERS": redis_keys.followers("%s"),
    "EXPIRING_JOB": redis_keys.expiring_job("%s"),
    "EXPIRING_SCRATCH": redis_keys.expiring_scratch("%s"),
    "RECORD_GRACE_MS": redis_keys.RECORD_GRACE_MS,
    "COLLECTION_GRACE_MS": redis_keys.COLLECTION_GRACE_MS,
    "QUEUES": list(redis_keys.QUEUES),
    "USAGE_KEPT_MS": redis_keys.USAGE_KEPT_MS,
    "EVENTS_AFTER_END_MS": redis_keys.EVENTS_AFTER_END_MS,
    "EVENTS_KEPT": redis_keys.EVENTS_KEPT,
}

_SIGNATURE = re.compile(r"^local ([\w, ]+) = \.\.\.$", re.MULTILINE)


class ScriptRunner:
    """Runs scripts on one Redis. `shared` names the files that all of them need besides `common`.

    Every method may raise redis.RedisError.
    """

    def __init__(self, redis: Redis, *shared: str) -> None:
        self._redis = redis
        self._shared = ("common", *shared)
        self._scripts: dict[str, tuple[Script, tuple[str, ...]]] = {}

    def run(self, name: str, keys: Sequence[str], /, **arguments: Argument) -> Any:
        """Run one script and return its answer.

        Raises TypeError unless `arguments` are exactly those that the script names.
        """
        script, expected = self._registered(name)
        if arguments.keys() != set(expected):
            raise TypeError(f"{name}.lua takes {', '.join(expected)}, not {', '.join(arguments)}")
        values = json.dumps([arguments[argument] for argument in expected])
        return script(keys=list(keys), args=[values])

    def _registered(self, name: str) -> tuple[Script, tuple[str, ...]]:
        if name not in self._scripts:
            text, arguments = _bind("".join(source(part) for part in (*self._shared, name)))
            self._scripts[name] = self._redis.register_script(_CONSTANTS + text), arguments
        return self._scripts[name]


@lru_cache
def source(name: str) -> str:
    """Return the text of a file of `jobs/scripts`."""
    return (files("jobs") / "scripts" / f"{name}.lua").read_text()


def _literal(value: Constant) -> str:
    """Return a value as Lua writes it."""
    if isinstance(value, (str, int)):
        return json.dumps(value)
    return "{" + ", ".join(json.dumps(item) for item in value) + "}"


def _bind(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the text with its arguments bound, and their names in the order of their values."""
    names: list[str] = []

    def bound(line: re.Match[str]) -> str:
        first = len(names) + 1
        names.extend(line[1].split(", "))
        return f"local {line[1]} = unpack(ARGUMENTS, {first}, {len(names)})"

    return _SIGNATURE.sub(bound, text), tuple(names)


_CONSTANTS = "".join(f"local {name} = {_literal(value)}\n" for name, value in CONSTANTS.items())
_CONSTANTS += "local ARGUMENTS = cjson.decode(ARGV[1])\n"
