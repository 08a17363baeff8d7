"""Distributes the events of jobs: one task per job reads its Redis stream for all listeners."""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import AsyncIterator

from redis import RedisError
from starlette.concurrency import run_in_threadpool

from jobs.errors import NotFound
from jobs.events import Event, EventLog
from jobs.outage import Outage
from service.events.change_listener import LOOK_AGAIN_S, ChangeListener, pause
from service.problems import Problem

log = logging.getLogger(__name__)

BUFFERED_EVENTS = 256


class Listener:
    """The events that one client has not been sent yet.

    A listener whose buffer is full is closed; its client can resume where it was.
    """

    def __init__(self, owner: str) -> None:
        self.owner = owner
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
        """Take no more events. Those in the buffer are still sent."""
        self._closed = True
        self._woken.set()

    async def events(self, patience_s: float) -> AsyncIterator[Event | None]:
        """Yield events as they arrive, and None after each `patience_s` of silence."""
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
    """The reader of one job's events. It lives as long as it has listeners."""

    def __init__(self) -> None:
        self.listeners: set[Listener] = set()
        self.ready = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def close(self) -> None:
        for listener in self.listeners:
            listener.close()


class Feeds:
    """All feeds of this process."""

    def __init__(
        self, events: EventLog, changes: ChangeListener, most_listeners: int, most_of_owner: int
    ) -> None:
        self.reads = 0
        self._events = events
        self._changes = changes
        self._most = most_listeners
        self._most_of_owner = most_of_owner
        self._owners: Counter[str] = Counter()
        self._feeds: dict[str, _Feed] = {}
        self._closed = False
        self._outage = Outage("the event streams", log)

    @property
    def listeners(self) -> int:
        """The number of clients that listen."""
        return sum(len(feed.listeners) for feed in self._feeds.values())

    @property
    def open(self) -> int:
        """The number of jobs that have listeners."""
        return len(self._feeds)

    async def join(self, job_id: str, owner: str) -> Listener:
        """Return a listener that misses no event from now on. Every listener must leave.

        Raises Problem.
        """
        self._check_room(owner)
        listener = Listener(owner)
        self._owners[owner] += 1
        feed = self._feeds.get(job_id)
        if feed is None:
            feed = self._feeds[job_id] = _Feed()
            feed.task = asyncio.create_task(self._run(job_id, feed), name=f"feed {job_id}")
        feed.listeners.add(listener)
        try:
            await asyncio.wait_for(feed.ready.wait(), LOOK_AGAIN_S * 5)
        except TimeoutError:
            self.leave(job_id, listener)
            raise Problem(
                "store_unavailable", "The events of the job cannot be read. Retry in a moment."
            ) from None
        except asyncio.CancelledError:
            self.leave(job_id, listener)
            raise
        if self._closed:
            listener.close()
        return listener

    def _check_room(self, owner: str) -> None:
        advice = "Poll the job instead with GET /v1/jobs/{id}?wait=60, or retry later."
        if self._owners[owner] >= self._most_of_owner:
            raise Problem(
                "too_many_listeners",
                f"{self._most_of_owner} event streams of yours are open here. Close some. {advice}",
            )
        if self.listeners >= self._most:
            raise Problem("too_many_listeners", advice)

    def leave(self, job_id: str, listener: Listener) -> None:
        """Remove a listener. The last one that leaves a job ends its feed."""
        feed = self._feeds.get(job_id)
        if feed is None:
            return
        if listener in feed.listeners:
            feed.listeners.discard(listener)
            self._owners -= Counter([listener.owner])
        if not feed.listeners:
            del self._feeds[job_id]
            if feed.task is not None:
                feed.task.cancel()

    def close(self) -> None:
        """End every stream when the process stops. Clients resume at another process."""
        self._closed = True
        for feed in self._feeds.values():
            feed.close()

    async def _run(self, job_id: str, feed: _Feed) -> None:
        position: str | None = None
        with self._changes.listen(job_id) as changed:
            # Cancellation alone is not enough to end the loop: `wait_for` of Python 3.11 can
            # swallow it.
            while self._feeds.get(job_id) is feed:
                try:
                    position = await self._read(job_id, feed, position)
                    self._outage.succeeded()
                except NotFound:
                    feed.close()
                except RedisError as error:
                    self._outage.failed(error)
                except Exception:
                    log.exception("events of %s", job_id)
                await pause(changed, LOOK_AGAIN_S)

    async def _read(self, job_id: str, feed: _Feed, position: str | None) -> str:
        """Offer the events after `position` to all listeners; return the new position."""
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
