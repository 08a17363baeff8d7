"""Wakes those who wait for a job or a model: one subscription per process, however many wait."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from redis import RedisError
from redis.asyncio import Redis

from jobs import redis_keys

log = logging.getLogger(__name__)

# A message can be lost while Redis restarts; whoever waits looks again this often at least.
LOOK_AGAIN_S = 1.0
_RECONNECT_S = 0.5


class ChangeListener:
    """Topics are job ids, `model:<name>`, and names of idempotency keys in Redis."""

    def __init__(self, redis_url: str) -> None:
        self._url = redis_url
        self._waiting: dict[str, set[asyncio.Event]] = {}

    @contextmanager
    def listen(self, topic: str) -> Iterator[asyncio.Event]:
        """An event that is set when the topic changes."""
        event = asyncio.Event()
        self._waiting.setdefault(topic, set()).add(event)
        try:
            yield event
        finally:
            self._waiting[topic].discard(event)
            if not self._waiting[topic]:
                del self._waiting[topic]

    async def run(self) -> None:
        """Read the subscription until canceled, reconnecting as long as it takes."""
        while True:
            try:
                await self._read()
            except (RedisError, OSError) as error:
                log.warning("changes: %s", type(error).__name__)
            await asyncio.sleep(_RECONNECT_S)

    async def _read(self) -> None:
        redis = Redis.from_url(self._url, decode_responses=True, socket_connect_timeout=1)
        async with redis, redis.pubsub(ignore_subscribe_messages=True) as subscription:
            await subscription.subscribe(redis_keys.CHANGES)
            while True:
                message = await subscription.get_message(timeout=LOOK_AGAIN_S)
                if message is not None:
                    self._wake(message["data"])

    def _wake(self, topic: str) -> None:
        for event in self._waiting.get(topic, ()):
            event.set()


async def pause(event: asyncio.Event, seconds: float) -> None:
    """Until the event is set, `seconds` are over, or it is time to look again."""
    try:
        await asyncio.wait_for(event.wait(), min(seconds, LOOK_AGAIN_S))
    except TimeoutError:
        return
    event.clear()
