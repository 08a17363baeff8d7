"""Feeds: one task per job, no event missed after joining, nothing left after the last leave."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis import Redis

from jobs.errors import NotFound
from jobs.events import Event, EventLog
from jobs.lease import Lease
from jobs.model import Job, Progress
from jobs.settings import Settings
from jobs.store import JobStore
from service.events.change_listener import ChangeListener
from service.events.feeds import BUFFERED_EVENTS, Feeds, Listener
from service.problems import Problem
from tests.jobs.test_transitions import claimed, new_job


@pytest.fixture
def job(store: JobStore) -> Job:
    return new_job(store)


@asynccontextmanager
async def feeding(
    redis: Redis, settings: Settings, log: type[EventLog] = EventLog
) -> AsyncIterator[Feeds]:
    """Yield feeds as an application has them; fail if a new task is left at the end."""
    changes = ChangeListener(settings.redis_url)
    reader = asyncio.create_task(changes.run())
    before = asyncio.all_tasks()
    feeds = Feeds(log(redis), changes, most_listeners=300, most_of_owner=200)
    yield feeds
    deadline = time.monotonic() + 20
    while asyncio.all_tasks() != before:
        assert time.monotonic() < deadline, asyncio.all_tasks() - before
        await asyncio.sleep(0.01)
    assert (feeds.open, feeds.listeners) == (0, 0)
    assert changes._waiting == {}
    while (
        not reader.done()
    ):  # The Redis client swallows a cancellation that arrives while it connects.
        reader.cancel()
        await asyncio.sleep(0.01)


async def first(listener: Listener, count: int) -> list[Event]:
    got: list[Event] = []
    async for event in listener.events(20):
        assert event is not None, "nothing came"
        got.append(event)
        if len(got) == count:
            break
    return got


def advance(lease: Lease, count: int) -> None:
    for done in range(count):
        lease.heartbeat(Progress(done=done, total=count))


def test_two_hundred_listeners_share_each_read(
    redis: Redis, settings: Settings, store: JobStore, job: Job
) -> None:
    async def scene() -> None:
        async with feeding(redis, settings) as feeds:
            listeners = [await feeds.join(job.id, job.owner) for _ in range(200)]
            assert (feeds.open, feeds.listeners) == (1, 200)
            lease = await asyncio.to_thread(claimed, store, job)
            await asyncio.to_thread(advance, lease, 10)
            heard = await asyncio.gather(*(first(listener, 11) for listener in listeners))
            assert all(each == heard[0] for each in heard)
            assert [event.data["done"] for event in heard[0][1:]] == list(range(10))
            assert feeds.reads < 40
            for listener in listeners:
                feeds.leave(job.id, listener)

    asyncio.run(scene())


def test_who_joins_while_things_happen_misses_nothing(
    redis: Redis, settings: Settings, store: JobStore, job: Job
) -> None:
    async def joined(feeds: Feeds, log: EventLog) -> list[int]:
        """Return the opening and the events after it, put together as a stream does."""
        listener = await feeds.join(job.id, job.owner)
        opening = await asyncio.to_thread(log.opening, job.id, "0")
        told = [event.id for event in opening]
        ended = opening[-1].final
        while not ended:
            (event,) = await first(listener, 1)
            ended = event.final
            told += [event.id] if event.id not in told else []
        feeds.leave(job.id, listener)
        return told

    async def scene() -> None:
        lease = await asyncio.to_thread(claimed, store, job)
        async with feeding(redis, settings) as feeds:
            work = asyncio.create_task(asyncio.to_thread(advance, lease, 300))
            joining = []
            for _ in range(20):
                joining.append(asyncio.create_task(joined(feeds, EventLog(redis))))
                await asyncio.sleep(0.005)
            await work
            await asyncio.to_thread(lease.succeed, {}, [], {})
            streams = await asyncio.gather(*joining)
        whole = [event_id for event_id, _ in redis.xrange(f"retinoscope:job:{job.id}:events")]
        assert len(whole) == 303
        assert all(stream == whole for stream in streams)

    asyncio.run(scene())


class Slow(EventLog):
    """A Redis that is slow to say where the stream ends."""

    def tail(self, job_id: str) -> str:
        time.sleep(0.3)
        return super().tail(job_id)


def test_what_happens_between_the_opening_and_the_first_read_is_heard(
    redis: Redis, settings: Settings, store: JobStore, job: Job
) -> None:
    async def scene() -> None:
        async with feeding(redis, settings, Slow) as feeds:
            listener = await feeds.join(job.id, job.owner)
            assert len(await asyncio.to_thread(EventLog(redis).opening, job.id, "0")) == 1
            await asyncio.to_thread(claimed, store, job)
            (event,) = await first(listener, 1)
            assert event.data["status"] == "running"
            feeds.leave(job.id, listener)

    asyncio.run(scene())


def test_one_that_is_too_slow_is_closed_after_an_unbroken_beginning() -> None:
    async def scene() -> None:
        listener = Listener("ada")
        events = [Event(f"{i}-0", "progress", {}) for i in range(BUFFERED_EVENTS + 50)]
        for event in events:
            listener.offer(event)
        assert [event async for event in listener.events(20)] == events[:BUFFERED_EVENTS]

    asyncio.run(scene())


def test_canceled_while_joining_leaves_nothing(redis: Redis, settings: Settings, job: Job) -> None:
    async def scene() -> None:
        async with feeding(redis, settings) as feeds:
            joining = asyncio.create_task(feeds.join(job.id, job.owner))
            await asyncio.sleep(0)
            joining.cancel()
            await asyncio.gather(joining, return_exceptions=True)

    asyncio.run(scene())


def test_closing_ends_every_stream_those_that_come_later_too(
    redis: Redis, settings: Settings, job: Job
) -> None:
    async def scene() -> None:
        async with feeding(redis, settings) as feeds:
            early = await feeds.join(job.id, job.owner)
            feeds.close()
            late = await feeds.join(job.id, job.owner)
            for listener in (early, late):
                assert [event async for event in listener.events(20)] == []
                feeds.leave(job.id, listener)

    asyncio.run(scene())


def test_no_more_than_agreed(redis: Redis, settings: Settings, job: Job) -> None:
    async def scene() -> None:
        async with feeding(redis, settings) as feeds:
            listeners = [await feeds.join(job.id, job.owner) for _ in range(200)]
            with pytest.raises(Problem, match=r"^200 event streams of yours .* Poll"):
                await feeds.join(job.id, job.owner)
            listeners += [await feeds.join(job.id, "other") for _ in range(100)]
            with pytest.raises(Problem, match=r"^Poll"):
                await feeds.join(job.id, "other")
            feeds.leave(job.id, listeners[0])
            feeds.leave(job.id, listeners[0])
            listeners.append(await feeds.join(job.id, job.owner))
            for listener in listeners:
                feeds.leave(job.id, listener)
                feeds.leave(job.id, listener)

    asyncio.run(scene())


def test_a_log_of_a_job_that_is_not_there(redis: Redis) -> None:
    with pytest.raises(NotFound):
        EventLog(redis).after("0" * 32, "0")
    with pytest.raises(NotFound):
        EventLog(redis).opening("0" * 32, None)
