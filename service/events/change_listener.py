"""Wakes requests that wait for a job or a model, with one Redis subscription per process."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from redis import RedisError
from redis.asyncio import Redis

from jobs import redis_keys
from jobs.outage import Outage

log = logging.getLogger(__name__)

# A message can be lost while Redis restarts, so every waiter looks again at least this often.
LOOK_AGAIN_S = 1.0


class ChangeListener:
    """The process's subscription to changes.

    A topic is the id of a job, `model:<name>`, or the name of an idempotency key in Redis.
    """

    def __init__(self, redis_url: str) -> None:
        self._url = redis_url
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._outage = Outage("the change listener", log)

    @contextmanager
    def listen(self, topic: str) -> Iterator[asyncio.Event]:
        """Yield an asyncio event that is set whenever the topic changes."""
        event = asyncio.Event()
        self._waiting.setdefault(topic, set()).add(event)
        try:
            yield event
        finally:
            self._waiting[topic].discard(event)
            if not self._waiting[topic]:
                del self._waiting[topic]

    async def run(self) -> None:
        """Read the subscription until the task is canceled. Reconnect after every error."""
        while True:
            try:
                await self._read()
            except (RedisError, OSError) as error:
                await asyncio.sleep(self._outage.failed(error))

    async def _read(self) -> None:
        redis = Redis.from_url(self._url, decode_responses=True, socket_connect_timeout=1)
        async with redis, redis.pubsub() as subscription:
            await subscription.subscribe(redis_keys.CHANGES)
            while True:
                message = await subscription.get_message(timeout=LOOK_AGAIN_S)
                if message is not None:
                    self._hear(message["type"], message["data"])

    def _hear(self, kind: str, topic: str) -> None:
        if kind == "subscribe":
            self._outage.succeeded()
            return
        for event in self._waiting.get(topic, ()):
            event.set()


async def pause(event: asyncio.Event, seconds: float) -> None:
    """Wait until the event is set, at most `seconds`, and at most LOOK_AGAIN_S. Clear the event."""
    try:
        await asyncio.wait_for(event.wait(), min(seconds, LOOK_AGAIN_S))
    except TimeoutError:
        return
    event.clear()
