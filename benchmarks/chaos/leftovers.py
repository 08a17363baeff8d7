"""What Redis and the object store contain although nothing refers to it, or it has expired."""

import time
from dataclasses import dataclass, field

from redis import Redis

from jobs import redis_keys
from jobs.artifacts import ArtifactStore

_PATIENCE_S = 60.0
_SHARED = {
    redis_keys.LEASED,
    redis_keys.WAITING,
    redis_keys.EXPIRING,
    redis_keys.COUNTERS,
    redis_keys.STATISTICS,
    redis_keys.WORKERS,
    redis_keys.SWEPT,
    redis_keys.FIRST_SWEPT,
    redis_keys.KEYS_SEEN,
    *(
        key(queue)
        for queue in redis_keys.QUEUES
        for key in (redis_keys.fair_clock, redis_keys.fair_debts)
    ),
}
# What workers tell of models and of themselves.
_OF_WORKERS = (redis_keys.description(""), redis_keys.weights(""), redis_keys.worker(""))
# Idempotency keys, the keys of deduplication, what was used on a day and the secrets of webhooks
# expire by themselves.
_BY_THEMSELVES = (":key:", ":work:", ":usage:", ":webhook-secret")
_BROKER = f"{redis_keys.PREFIX}celery:"


@dataclass
class Leftovers:
    """What should have expired and has not."""

    keys: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


def keys_without_expiry(redis: Redis) -> list[str]:
    """Return keys that never expire, without the broker's lists of messages and table of queues."""
    return [key for key in _keys(redis) if redis.ttl(key) == -1]


def messages(redis: Redis) -> int:
    """Count messages that wait in the broker, or that a dead worker left unacknowledged."""
    lists = list(redis.scan_iter(f"{_BROKER}*", count=1000, _type="list"))
    return sum(int(redis.llen(key)) for key in lists) + int(redis.hlen(f"{_BROKER}unacked"))


def after_expiry(redis: Redis, files: ArtifactStore) -> Leftovers:
    """Expire everything now, and return what is left when the sweep had a minute."""
    _let_expire(redis)
    deadline = time.monotonic() + _PATIENCE_S
    while (
        (left := _left(redis, files)) and time.monotonic() < deadline and (left.keys or left.files)
    ):
        time.sleep(0.5)
    return left


def _let_expire(redis: Redis) -> None:
    """Make everything look expired: change the records of jobs, delete those of uploads."""
    for member in redis.zrange(redis_keys.EXPIRING, 0, -1):
        kind, _, name = str(member).partition(":")
        if kind == "job":
            redis.hset(redis_keys.job(name), "expires_ms", 0)
        elif kind in ("image", "array"):
            owner, _, digest = name.rpartition(":")
            redis.delete(redis_keys.upload(kind, owner, digest))
        redis.zadd(redis_keys.EXPIRING, {str(member): 1})


def _left(redis: Redis, files: ArtifactStore) -> Leftovers:
    keys = [
        key
        for key in _keys(redis)
        if not (key in _SHARED or key.startswith(_OF_WORKERS) or _by_itself(key))
    ]
    names = [key for kind in ("jobs", "images", "arrays") for key in files.keys(kind)]
    return Leftovers(keys, names)


def _by_itself(key: str) -> bool:
    return any(part in key for part in _BY_THEMSELVES)


def _keys(redis: Redis) -> list[str]:
    return [str(key) for key in redis.scan_iter(count=1000) if not str(key).startswith(_BROKER)]
