"""What the service counts and measures, kept in Redis so that all processes share it.

The scripts that move jobs add to one hash (`jobs/scripts/statistics.lua`), so that no restart loses
a count. Its fields are `wait:` and `run:` with technique, queue and the upper bound of a bucket in
milliseconds (or `inf`, or `sum`); `error:` with code and technique; `recovered:` with technique;
`delivery:` with the state of a webhook that is over; `attempt:` with how its receiver answered.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from redis import Redis

from jobs import redis_keys
from jobs.script_runner import ScriptRunner

BUCKETS_MS = redis_keys.BUCKETS_MS


@dataclass
class Histogram:
    """How long jobs took: the number of jobs per bucket, not cumulated, and the sum in seconds."""

    counts: dict[int | None, int] = field(default_factory=lambda: defaultdict(int))
    sum_s: float = 0.0

    def cumulated(self) -> list[tuple[str, float]]:
        """Return pairs of an upper bound in seconds and the number of jobs up to it."""
        total, pairs = 0, []
        for bound in (*BUCKETS_MS, None):
            total += self.counts[bound]
            pairs.append(("+Inf" if bound is None else str(bound / 1000), float(total)))
        return pairs


@dataclass
class Counts:
    """Everything that was counted since this Redis began."""

    waited: dict[tuple[str, ...], Histogram] = field(default_factory=lambda: defaultdict(Histogram))
    ran: dict[tuple[str, ...], Histogram] = field(default_factory=lambda: defaultdict(Histogram))
    errors: dict[tuple[str, ...], int] = field(default_factory=dict)
    recovered: dict[tuple[str, ...], int] = field(default_factory=dict)
    deliveries: dict[tuple[str, ...], int] = field(default_factory=dict)
    attempts: dict[tuple[str, ...], int] = field(default_factory=dict)


@dataclass(frozen=True)
class QueueLoad:
    """Jobs of one queue: how many wait for a worker, since when the first of them, and running."""

    waiting: int
    oldest_s: float
    running: int


class Statistics:
    """Reads what the scripts have counted. Every method may raise redis.RedisError."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._scripts = ScriptRunner(redis)

    def counts(self) -> Counts:
        """Return everything that was counted."""
        return _read(cast("dict[str, str]", self._redis.hgetall(redis_keys.STATISTICS)))

    def load(self) -> tuple[dict[str, QueueLoad], int]:
        """Return the load of each queue, and how many jobs wait for an identical one."""
        keys = [redis_keys.LEASED, redis_keys.WAITING]
        answer = self._scripts.run("load", keys)
        per_queue = zip(redis_keys.QUEUES, answer[0], strict=True)
        loads = {
            queue: QueueLoad(waiting, oldest_ms / 1000, running)
            for queue, (waiting, oldest_ms, running) in per_queue
        }
        waiting = sum(load.waiting for load in loads.values())
        return loads, max(0, answer[1] - waiting)

    def memory(self) -> tuple[int, int]:
        """Return the bytes that Redis uses, and its limit, which is 0 where there is none."""
        info = cast("dict[str, int]", self._redis.info("memory"))
        return info["used_memory"], info["maxmemory"]


def _read(fields: Mapping[str, str]) -> Counts:
    counts = Counts()
    for name, value in fields.items():
        kind, *labels = name.split(":")
        match kind:
            case "wait" | "run":
                histograms = counts.waited if kind == "wait" else counts.ran
                _add(histograms[tuple(labels[:2])], labels[2], int(value))
            case "error":
                counts.errors[tuple(labels)] = int(value)
            case "recovered":
                counts.recovered[tuple(labels)] = int(value)
            case "delivery":
                counts.deliveries[tuple(labels)] = int(value)
            case "attempt":
                counts.attempts[tuple(labels)] = int(value)
            # What a later version counts is left to that version.
    return counts


def _add(histogram: Histogram, bucket: str, value: int) -> None:
    if bucket == "sum":
        histogram.sum_s = value / 1000
    else:
        histogram.counts[None if bucket == "inf" else int(bucket)] += value
