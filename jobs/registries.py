"""What workers tell the API: that they live, and what a model is made of. Texts that expire."""

import json
import time

from redis import Redis

from jobs import redis_keys

_WORKER_TTL_S = 15
_DESCRIPTION_TTL_S = 30 * 86400


class Noticeboard:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._seen: dict[
            str, str | None
        ] = {}  # model → the digest of its weights, when this process last asked

    def announce_worker(self, name: str) -> None:
        now = time.time()
        with self._redis.pipeline() as pipe:
            pipe.zadd(redis_keys.WORKERS, {name: now + _WORKER_TTL_S})
            pipe.zremrangebyscore(redis_keys.WORKERS, 0, now)
            pipe.expire(redis_keys.WORKERS, _WORKER_TTL_S)
            pipe.execute()

    def withdraw_worker(self, name: str) -> None:
        self._redis.zrem(redis_keys.WORKERS, name)

    def workers(self) -> int:
        count: int = self._redis.zcount(redis_keys.WORKERS, time.time(), "+inf")
        return count

    def describe(self, model: str, text: str, *, replace: bool = True) -> None:
        """Put up a description; without `replace` one that is there stays."""
        self._redis.set(redis_keys.description(model), text, ex=_DESCRIPTION_TTL_S, nx=not replace)
        if weights := json.loads(text)["weights"]:
            self._redis.set(redis_keys.weights(model), weights, ex=_DESCRIPTION_TTL_S)
        self._redis.publish(redis_keys.CHANGES, f"model:{model}")

    def forget(self, models: list[str]) -> None:
        """Take descriptions down: the models may have changed since."""
        if models:
            self._redis.delete(
                *map(redis_keys.description, models), *map(redis_keys.weights, models)
            )

    def weights(self, models: list[str]) -> list[str | None]:
        """The digests of those models' weights, as far as they were ever loaded."""
        if not models:
            return []
        digests: list[str | None] = self._redis.mget(list(map(redis_keys.weights, models)))  # type: ignore[assignment]
        self._seen |= dict(zip(models, digests, strict=True))
        return digests

    def weights_as_seen(self, model: str) -> str | None:
        """The digest as this process last saw it: who uses it must find out whether it is another one by now."""
        return self._seen.get(model) or self.weights([model])[0]

    def description(self, model: str) -> str | None:
        text = self._redis.get(redis_keys.description(model))
        return None if text is None else str(text)
