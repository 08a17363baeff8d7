"""Connections to Redis, with the patience that each side can afford."""

from redis import Redis, exceptions
from redis.backoff import ConstantBackoff
from redis.retry import Retry

CONNECT_TIMEOUT_S = 0.5
ANSWER_TIMEOUT_S = 1.0


def connect(url: str, *, retries: int = 1, patient: bool = False) -> Redis:
    """A pool of connections that give up fast: a caller must never hang on a broker that is away.

    A connection that is closed is tried again, a Redis that does not answer only by the `patient`.
    """
    waiting = (exceptions.TimeoutError,) if patient else ()
    return Redis.from_url(
        url,
        decode_responses=True,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        socket_timeout=ANSWER_TIMEOUT_S,
        socket_keepalive=True,
        health_check_interval=15,
        retry=Retry(ConstantBackoff(0.05), retries, (exceptions.ConnectionError, *waiting)),
    )
