"""Tells a worker at once that its job is to stop, where the next heartbeat would tell it in seconds."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis, RedisError

from jobs import redis_keys

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 5.0
_RECONNECT_S = 0.5


class CancelListener:
    """One subscription per process, to a channel that carries the ids of running jobs that somebody cancels."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._told: dict[str, threading.Event] = {}

    def start(self) -> None:
        threading.Thread(target=self._run, name="cancels", daemon=True).start()

    @contextmanager
    def watch(self, job_id: str) -> Iterator[threading.Event]:
        """An event that is set when the job is to stop. Begin before the claim, so that nothing is missed between."""
        self._told[job_id] = told = threading.Event()
        try:
            yield told
        finally:
            del self._told[job_id]

    def _run(self) -> None:
        """For ever; what is missed while Redis is away is told by a heartbeat."""
        while True:
            try:
                self._listen()
            except (RedisError, OSError) as error:
                log.warning("cancels: %s", type(error).__name__)
            time.sleep(_RECONNECT_S)

    def _listen(self) -> None:
        with self._redis.pubsub(ignore_subscribe_messages=True) as subscription:  # type: ignore[no-untyped-call]
            subscription.subscribe(redis_keys.CANCELS)
            while True:
                message = subscription.get_message(timeout=_LOOK_EVERY_S)
                told = self._told.get(message["data"]) if message else None
                if told is not None:
                    told.set()
