"""Connections to Redis with timeouts that suit the API and the workers."""

from redis import Redis, exceptions
from redis.backoff import ConstantBackoff
from redis.retry import Retry

CONNECT_TIMEOUT_S = 0.5
ANSWER_TIMEOUT_S = 1.0
_RETRY_DELAY_S = 0.05
_HEALTH_CHECK_INTERVAL_S = 15


def connect(url: str, *, retries: int = 1, patient: bool = False) -> Redis:
    """Return a client whose connections time out fast, so that no caller hangs on a dead Redis.

    A closed connection is retried. With `patient`, a Redis that does not answer is retried too.
    """
    retried: tuple[type[exceptions.RedisError], ...] = (exceptions.ConnectionError,)
    if patient:
        retried = (*retried, exceptions.TimeoutError)
    return Redis.from_url(
        url,
        decode_responses=True,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        socket_timeout=ANSWER_TIMEOUT_S,
        socket_keepalive=True,
        health_check_interval=_HEALTH_CHECK_INTERVAL_S,
        retry=Retry(ConstantBackoff(_RETRY_DELAY_S), retries, retried),
    )
