"""Tells a worker at once that a client has canceled its job, seconds before the next heartbeat."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis import Redis, RedisError

from jobs import redis_keys
from jobs.outage import Outage

log = logging.getLogger(__name__)

_POLL_S = 5.0


class CancelListener:
    """A thread with one subscription to the channel of job ids that clients cancel.

    The API has an asynchronous counterpart, service/events/change_listener.py.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._events: dict[str, threading.Event] = {}
        self._outage = Outage("the cancel listener", log)

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, name="cancels", daemon=True).start()

    @contextmanager
    def watch(self, job_id: str) -> Iterator[threading.Event]:
        """Yield an event that is set when the job is canceled.

        Begin before the claim, so that no cancel is missed between the two.
        """
        self._events[job_id] = event = threading.Event()
        try:
            yield event
        finally:
            del self._events[job_id]

    def _run(self) -> None:
        """Listen forever. A heartbeat reveals what is missed during a Redis outage."""
        while True:
            try:
                self._listen()
            except (RedisError, OSError) as error:
                time.sleep(self._outage.failed(error))

    def _listen(self) -> None:
        redis: Any = self._redis
        with redis.pubsub() as subscription:
            subscription.subscribe(redis_keys.CANCELS)
            while True:
                message = subscription.get_message(timeout=_POLL_S)
                if message is not None:
                    self._hear(message["type"], message["data"])

    def _hear(self, kind: str, job_id: str) -> None:
        if kind == "subscribe":
            self._outage.succeeded()
        elif event := self._events.get(job_id):
            event.set()
