"""Whether requests need an API key, and whose a key is.

Once there were keys, a file that is missing lets nobody in: a secret that is being rotated or a
share that is not mounted must not open the service to whoever reaches it through a local proxy. A
mark in Redis says so to an API that is started without the file.
"""

import time
from contextlib import suppress

from redis import Redis, RedisError
from starlette.concurrency import run_in_threadpool

from jobs import redis_keys
from jobs.api_keys import KeyRing
from jobs.errors import KeysMissing
from jobs.owner_limits import OwnerLimits

_ASK_AGAIN_S = 1.0
# Each start of an API with keys writes the mark anew.
_MARK_LIFE_S = 400 * 86_400


class KeyGuard:
    """The keys of one API process, and the mark that it shares with the others."""

    def __init__(self, ring: KeyRing, redis: Redis) -> None:
        self._ring = ring
        self._redis = redis
        # Whether there were keys, and whether the mark says so; None is unknown.
        self._seen: bool | None = None
        self._marked: bool | None = None
        self._look_again_s = self._write_again_s = 0.0

    async def required(self) -> bool:
        """Return whether a request needs a key.

        Raises KeysMissing or KeysUnreadable, or RedisError if only the mark could tell.
        """
        file = self._ring.read()
        if file is None:
            if not self._seen:
                await self._look()
            if self._seen:
                raise KeysMissing(self._ring.path.name)
            return False
        self._seen = not file.open
        if self._marked is not self._seen:
            await self._mark(self._seen)
        return self._seen

    def owner(self, secret: str) -> str | None:
        """Return the owner of a secret, or None. Raises KeysUnreadable."""
        return self._ring.owner(secret)

    def limits(self, owner: str) -> OwnerLimits:
        """Return the limits of an owner. Raises KeysUnreadable."""
        return self._ring.limits(owner)

    async def _look(self) -> None:
        """Read the mark, at most once a second after the first time.

        Without Redis what is known still holds. Raises RedisError if nothing is: there may have
        been keys.
        """
        now = time.monotonic()
        if self._seen is not None and now < self._look_again_s:
            return
        self._look_again_s = now + _ASK_AGAIN_S
        try:
            found = await run_in_threadpool(self._redis.exists, redis_keys.KEYS_SEEN)
            self._seen = self._marked = bool(found)
        except RedisError:
            if self._seen is None:
                raise

    async def _mark(self, seen: bool) -> None:
        """Write or delete the mark. A try that failed is repeated after a second."""
        now = time.monotonic()
        if now < self._write_again_s:
            return
        self._write_again_s = now + _ASK_AGAIN_S
        with suppress(RedisError):
            if seen:
                await run_in_threadpool(self._redis.set, redis_keys.KEYS_SEEN, 1, ex=_MARK_LIFE_S)
            else:
                await run_in_threadpool(self._redis.delete, redis_keys.KEYS_SEEN)
            self._marked, self._write_again_s = seen, 0.0
