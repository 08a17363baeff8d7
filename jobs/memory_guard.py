"""Refuses new jobs before Redis is full.

With `noeviction` a full Redis refuses every write, also that of a result which is complete. What
is kept free lets the jobs that were accepted end.
"""

import time

from redis import Redis

from jobs.errors import StoreFull

_FULL = 0.9
_ASK_AGAIN_S = 1.0


class MemoryGuard:
    """What one process knows of the memory of Redis. It asks at most once a second."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._asked_s = -_ASK_AGAIN_S
        self._share = 0.0

    def check(self) -> None:
        """Raise StoreFull if a tenth of `maxmemory` or less is free, and RedisError."""
        now = time.monotonic()
        if now - self._asked_s >= _ASK_AGAIN_S:
            self._share = used_share(self._redis)
            self._asked_s = now
        if self._share >= _FULL:
            raise StoreFull(f"{self._share:.0%}")


def used_share(redis: Redis) -> float:
    """Return the used share of `maxmemory`; 0 where it is not set."""
    memory = redis.info("memory")
    most = int(memory.get("maxmemory", 0))
    return int(memory["used_memory"]) / most if most else 0.0
