"""Jobs are refused before Redis is full, and those that were accepted end."""

from collections.abc import Iterator

import pytest
from redis import Redis

from jobs.errors import StoreFull
from jobs.memory_guard import MemoryGuard, used_share
from jobs.settings import Settings
from jobs.store import JobStore
from tests.jobs.test_transitions import claimed, new_job


@pytest.fixture
def nearly_full(redis: Redis) -> Iterator[None]:
    """Leave less than a tenth of the memory."""
    before = redis.config_get("maxmemory")["maxmemory"]
    redis.config_set("maxmemory", int(redis.info("memory")["used_memory"] * 1.08) + 1)
    yield
    redis.config_set("maxmemory", before)


def test_a_new_job_is_refused_and_an_accepted_one_ends(
    redis: Redis, settings: Settings, request: pytest.FixtureRequest
) -> None:
    store = JobStore(redis, settings)
    lease = claimed(store, new_job(store))
    request.getfixturevalue("nearly_full")
    fresh = JobStore(redis, settings)
    with pytest.raises(StoreFull, match=r"9\d%"):
        new_job(fresh)
    assert fresh.listing.page("local", before=None, limit=9).jobs[0].id == lease.job.id
    lease.succeed({"score": 1.0}, [], {})


def test_the_memory_is_asked_for_once_a_second(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard, asked = MemoryGuard(redis), []
    monkeypatch.setattr("jobs.memory_guard.used_share", lambda _: asked.append(1) or 0.5)
    for _ in range(100):
        guard.check()
    assert len(asked) <= 2


def test_without_a_limit_nothing_is_refused(redis: Redis) -> None:
    before = redis.config_get("maxmemory")["maxmemory"]
    redis.config_set("maxmemory", 0)
    try:
        assert used_share(redis) == 0.0
    finally:
        redis.config_set("maxmemory", before)
