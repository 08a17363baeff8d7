"""Registries in Redis that workers write and the API reads: living workers, and known models.

Their entries expire.
"""

import json
import time
from collections.abc import Sequence
from typing import cast

from redis import Redis

from jobs import redis_keys

_WORKER_TTL_S = 15
# What a worker tells of itself outlasts an outage, but is read only while the worker lives.
REPORT_TTL_S = 3600
_DESCRIPTION_TTL_S = 30 * 86400
# After so long, the next client that asks makes a worker try again.
_FAILURE_TTL_S = 60


class WorkerRegistry:
    """The workers that are alive. Each announces itself more often than every 15 seconds."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def announce(self, name: str) -> None:
        """Register a worker for another 15 seconds."""
        now = time.time()
        with self._redis.pipeline() as pipe:
            pipe.zadd(redis_keys.WORKERS, {name: now + _WORKER_TTL_S})
            pipe.zremrangebyscore(redis_keys.WORKERS, 0, now)
            pipe.expire(redis_keys.WORKERS, _WORKER_TTL_S)
            pipe.expire(redis_keys.worker(name), REPORT_TTL_S)
            pipe.execute()

    def withdraw(self, name: str) -> None:
        """Remove a worker that stops."""
        self._redis.zrem(redis_keys.WORKERS, name)
        self._redis.delete(redis_keys.worker(name))

    def names(self) -> list[str]:
        """Return the names of the workers that are alive."""
        return cast("list[str]", self._redis.zrangebyscore(redis_keys.WORKERS, time.time(), "+inf"))

    def on_host(self, host: str) -> list[str]:
        """Return the names of the living workers of a machine or container."""
        names = self._redis.zrangebyscore(redis_keys.WORKERS, time.time(), "+inf")
        return [name for name in cast("list[str]", names) if name.rpartition(":")[0] == host]

    def count(self) -> int:
        """Return how many workers are alive."""
        count: int = self._redis.zcount(redis_keys.WORKERS, time.time(), "+inf")
        return count


class ModelRegistry:
    """Descriptions of models (JSON) or why there is none, and the digests of their weights."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        # The digests by model, as this process has last read them.
        self._cached: dict[str, str | None] = {}

    def describe(self, model: str, text: str, *, replace: bool = True) -> None:
        """Store a description. Without `replace`, an existing one remains."""
        self._redis.set(redis_keys.description(model), text, ex=_DESCRIPTION_TTL_S, nx=not replace)
        if weights := json.loads(text)["weights"]:
            self._redis.set(redis_keys.weights(model), weights, ex=_DESCRIPTION_TTL_S)
        self._redis.delete(redis_keys.description_failure(model))
        self._redis.publish(redis_keys.CHANGES, f"model:{model}")

    def describe_failure(self, model: str, reason: str) -> None:
        """Store for a minute why the model cannot be described."""
        self._redis.set(redis_keys.description_failure(model), reason, ex=_FAILURE_TTL_S)
        self._redis.publish(redis_keys.CHANGES, f"model:{model}")

    def forget(self, models: Sequence[str]) -> None:
        """Delete the descriptions and digests of models that may have changed."""
        keys = [redis_keys.description(model) for model in models]
        keys += [redis_keys.weights(model) for model in models]
        keys += [redis_keys.description_failure(model) for model in models]
        if keys:
            self._redis.delete(*keys)

    def description(self, model: str) -> str | None:
        """Return the description, or None if no worker has described the model yet."""
        text = self._redis.get(redis_keys.description(model))
        return None if text is None else str(text)

    def failure(self, model: str) -> str | None:
        """Return why a worker could not describe the model within the last minute, or None."""
        text = self._redis.get(redis_keys.description_failure(model))
        return None if text is None else str(text)

    def weights(self, models: Sequence[str]) -> list[str | None]:
        """Return the digests of the models' weights, or None for weights that were never loaded."""
        if not models:
            return []
        keys = [redis_keys.weights(model) for model in models]
        digests = cast("list[str | None]", self._redis.mget(keys))
        self._cached |= dict(zip(models, digests, strict=True))
        return digests

    def cached_weights(self, model: str) -> str | None:
        """Return the cached digest. The caller must verify that it is current."""
        return self._cached.get(model) or self.weights([model])[0]
