"""Hands the events of jobs to those who listen: however many they are, one task per job reads its stream once."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator

from redis import RedisError
from starlette.concurrency import run_in_threadpool

from jobs.errors import NotFound
from jobs.events import Event, EventLog
from service.events.change_listener import LOOK_AGAIN_S, ChangeListener, pause
from service.problems import Problem

log = logging.getLogger(__name__)

BUFFERED_EVENTS = 256


class Listener:
    """What one client has not been sent yet. One that is too slow is closed, and resumes where it was."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._woken = asyncio.Event()
        self._closed = False

    def offer(self, event: Event) -> None:
        if len(self._events) >= BUFFERED_EVENTS:
            self.close()
        if not self._closed:
            self._events.append(event)
            self._woken.set()

    def close(self) -> None:
        """No more events; those that wait are still sent."""
        self._closed = True
        self._woken.set()

    async def events(self, patience_s: float) -> AsyncIterator[Event | None]:
        """Events as they come; None after `patience_s` of silence."""
        while True:
            while self._events:
                yield self._events.popleft()
            if self._closed:
                return
            self._woken.clear()
            try:
                await asyncio.wait_for(self._woken.wait(), patience_s)
            except TimeoutError:
                yield None


class _Feed:
    """One job's reader: lives while somebody listens."""

    def __init__(self) -> None:
        self.listeners: set[Listener] = set()
        self.ready = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def close(self) -> None:
        for listener in self.listeners:
            listener.close()


class Feeds:
    """All feeds of this process."""

    def __init__(self, events: EventLog, changes: ChangeListener, most_listeners: int) -> None:
        self.reads = 0
        self._events = events
        self._changes = changes
        self._most = most_listeners
        self._feeds: dict[str, _Feed] = {}
        self._closed = False

    @property
    def listeners(self) -> int:
        return sum(len(feed.listeners) for feed in self._feeds.values())

    @property
    def open(self) -> int:
        """How many jobs are listened to."""
        return len(self._feeds)

    async def join(self, job_id: str) -> Listener:
        """From its return on no event is missed. Whoever joins must leave. Raises Problem."""
        if self.listeners >= self._most:
            raise Problem(
                "too_many_listeners",
                "Poll the job instead: GET /v1/jobs/{id}?wait=60; or try again later.",
            )
        feed, listener = self._feeds.get(job_id), Listener()
        if feed is None:
            feed = self._feeds[job_id] = _Feed()
            feed.task = asyncio.create_task(self._run(job_id, feed), name=f"feed {job_id}")
        feed.listeners.add(listener)
        try:
            await asyncio.wait_for(feed.ready.wait(), LOOK_AGAIN_S * 5)
        except TimeoutError:
            self.leave(job_id, listener)
            raise Problem(
                "store_unavailable", "The job's events cannot be read. Try again in a moment."
            ) from None
        except asyncio.CancelledError:
            self.leave(job_id, listener)
            raise
        if self._closed:
            listener.close()
        return listener

    def leave(self, job_id: str, listener: Listener) -> None:
        """The last one who leaves a job ends its feed."""
        feed = self._feeds.get(job_id)
        if feed is None:
            return
        feed.listeners.discard(listener)
        if not feed.listeners:
            del self._feeds[job_id]
            if feed.task is not None:
                feed.task.cancel()

    def close(self) -> None:
        """The process stops: every stream ends, and clients resume elsewhere."""
        self._closed = True
        for feed in self._feeds.values():
            feed.close()

    async def _run(self, job_id: str, feed: _Feed) -> None:
        position: str | None = None
        with self._changes.listen(job_id) as changed:
            # Not only until canceled: in Python 3.11 `wait_for` can swallow that.
            while self._feeds.get(job_id) is feed:
                try:
                    position = await self._read(job_id, feed, position)
                except NotFound:
                    feed.close()
                except RedisError as error:
                    log.warning("events of %s: %s", job_id, type(error).__name__)
                except Exception:
                    log.exception("events of %s", job_id)
                await pause(changed, LOOK_AGAIN_S)

    async def _read(self, job_id: str, feed: _Feed, position: str | None) -> str:
        """Hand on what came after `position`; returns the new one."""
        self.reads += 1
        if position is None:
            position = await run_in_threadpool(self._events.tail, job_id)
            feed.ready.set()
            return position
        events = await run_in_threadpool(self._events.after, job_id, position)
        for event in events:
            for listener in feed.listeners:
                listener.offer(event)
        return events[-1].id if events else position
