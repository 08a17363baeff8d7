"""How many calls an owner may make in any minute, counted in Redis for all API processes.

The window slides: calls of the minute before count by the part of it that lies in the last minute.
The headers are those of draft-ietf-httpapi-ratelimit-headers.
"""

import logging
import math
import time
from dataclasses import dataclass

from limits import RateLimitItemPerMinute
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis import RedisError

from jobs.connection import ANSWER_TIMEOUT_S, CONNECT_TIMEOUT_S
from jobs.outage import Outage
from jobs.redis_keys import PREFIX

log = logging.getLogger(__name__)

_WINDOW_S = 60


@dataclass(frozen=True)
class Allowance:
    """What is left of an owner's calls, after this one if it is `granted`."""

    granted: bool
    limit: int
    remaining: int
    # Seconds until another call is possible, or until more than `remaining` are.
    reset_s: int

    def headers(self) -> dict[str, str]:
        """Return the headers of a response, with `Retry-After` if the call was refused."""
        headers = {
            "RateLimit-Policy": f'"calls";q={self.limit};w={_WINDOW_S}',
            "RateLimit": f'"calls";r={self.remaining};t={self.reset_s}',
        }
        return headers if self.granted else headers | {"Retry-After": str(self.reset_s)}


class RateLimiter:
    """Counts the calls of owners. Nobody is refused while Redis does not respond.

    Any number of threads may use it at once.
    """

    def __init__(self, redis_url: str) -> None:
        storage = RedisStorage(
            redis_url,
            key_prefix=f"{PREFIX}calls",
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            socket_timeout=ANSWER_TIMEOUT_S,
        )
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._outage = Outage("the rate limiter", log)

    def count(self, owner: str, per_minute: int) -> Allowance | None:
        """Count a call and return what is left, or None while Redis does not respond."""
        limit = RateLimitItemPerMinute(per_minute)
        try:
            granted = self._limiter.hit(limit, owner)
            stats = self._limiter.get_window_stats(limit, owner)
        except (RedisError, OSError) as error:
            self._outage.failed(error)
            return None
        self._outage.succeeded()
        reset_s = max(1, math.ceil(stats.reset_time - time.time()))
        return Allowance(granted, per_minute, stats.remaining if granted else 0, reset_s)
