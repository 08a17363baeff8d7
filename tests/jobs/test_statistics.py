"""What waits, runs, fails and is recovered is counted once, by technique and queue."""

import bisect
import time

import pytest
from redis import Redis

from jobs import redis_keys
from jobs.job_request import JobRequest
from jobs.lease import claim
from jobs.model import Job, JobError
from jobs.settings import Settings
from jobs.statistics import Histogram, Statistics
from jobs.store import JobStore
from tests.jobs.test_transitions import claimed, new_job, recovered

FAST = ("saliency", "fast")


def load(store: JobStore) -> tuple[int, int, int]:
    """Return how many jobs of all queues wait for a worker, run, and follow another one."""
    queues, following = Statistics(store.redis).load()
    return (
        sum(queue.waiting for queue in queues.values()),
        sum(queue.running for queue in queues.values()),
        following,
    )


@pytest.fixture
def statistics(redis: Redis) -> Statistics:
    return Statistics(redis)


def slow_job(store: JobStore) -> Job:
    return store.create(
        JobRequest(owner="bob", technique="rise", model="m", queue="slow", params={})
    )


def age(redis: Redis, job: Job, **ms: int) -> None:
    """Move times of a record into the past."""
    for name, by in ms.items():
        redis.hincrby(redis_keys.job(job.id), f"{name}_ms", -by)


def test_each_queue_has_a_load_of_its_own(store: JobStore, statistics: Statistics) -> None:
    jobs = [new_job(store) for _ in range(4)]
    slow = slow_job(store)
    # None of them is the first: that one would be looked at when the numbers are read.
    claimed(store, jobs[3])
    queues, following = statistics.load()
    assert (queues["fast"].waiting, queues["fast"].running) == (3, 1)
    assert (queues["slow"].waiting, queues["slow"].running, following) == (1, 0, 0)
    store.cancel(jobs[1].id, "local")
    assert statistics.load()[0]["fast"].waiting == 2
    store.forget(jobs[2].id)
    claimed(store, slow).succeed({}, [], {})
    queues, _ = statistics.load()
    assert [(q.waiting, q.running) for q in queues.values()] == [(1, 1), (0, 0)]


def test_the_oldest_is_the_one_that_waits_longest_now(
    redis: Redis, store: JobStore, statistics: Statistics
) -> None:
    assert statistics.load()[0]["fast"].oldest_s == 0
    first, second = new_job(store), new_job(store)
    redis.zincrby(redis_keys.queued("fast"), -50_000, first.id)
    redis.zincrby(redis_keys.queued("fast"), -20_000, second.id)
    assert 50 <= statistics.load()[0]["fast"].oldest_s < 60
    lease = claimed(store, first)
    assert 20 <= statistics.load()[0]["fast"].oldest_s < 30
    lease.give_back()
    claimed(store, second)
    # A job that was given back waits from then on, not since it was created.
    assert 0 <= statistics.load()[0]["fast"].oldest_s < 10


def test_a_job_that_is_published_again_keeps_its_time(
    redis: Redis, store: JobStore, statistics: Statistics, settings: Settings
) -> None:
    job = new_job(store)
    redis.zincrby(redis_keys.queued("fast"), -50_000, job.id)
    time.sleep(settings.publish_grace_s + 0.05)
    assert recovered(store, job.id) == "publish"
    assert statistics.load()[0]["fast"].oldest_s >= 50


def new_job_later(store: JobStore) -> Job:
    """Queue a job in a later millisecond: those of the same one have no order."""
    time.sleep(0.002)
    return new_job(store)


def test_what_a_worker_of_an_earlier_version_took_is_not_counted_for_ever(
    redis: Redis, store: JobStore, statistics: Statistics
) -> None:
    gone, taken, waits = (new_job_later(store) for _ in range(3))
    redis.delete(redis_keys.job(gone.id))
    redis.hset(redis_keys.job(taken.id), "status", "running")
    assert statistics.load()[0]["fast"].waiting == 1
    assert redis.zrange(redis_keys.queued("fast"), 0, -1) == [waits.id]


@pytest.mark.parametrize("ms", [0, 40, 700, 61_000, 1_700_000, 5_000_000])
def test_times_are_in_the_bucket_that_holds_them(
    redis: Redis, store: JobStore, statistics: Statistics, ms: int
) -> None:
    waited = new_job(store)
    age(redis, waited, created=ms)
    lease = claimed(store, waited)
    age(redis, waited, started=2 * ms)
    lease.succeed({}, [], {})
    record = store.get(waited.id)
    assert record.started_ms is not None and record.finished_ms is not None
    counts = statistics.counts()
    claimed_at = record.started_ms + 2 * ms
    for histogram, took_ms in (
        (counts.waited[FAST], claimed_at - record.created_ms),
        (counts.ran[FAST], record.finished_ms - record.started_ms),
    ):
        place = bisect.bisect_left(redis_keys.BUCKETS_MS, took_ms)
        assert histogram.counts == {(*redis_keys.BUCKETS_MS, None)[place]: 1}
        assert histogram.sum_s == took_ms / 1000


def test_buckets_are_cumulated_for_prometheus() -> None:
    histogram = Histogram()
    histogram.counts |= {50: 1, 500: 2, None: 3}
    pairs = dict(histogram.cumulated())
    assert (pairs["0.05"], pairs["0.25"], pairs["0.5"], pairs["1800.0"]) == (1, 1, 3, 3)
    assert pairs["+Inf"] == 6 and list(pairs)[-1] == "+Inf"


def test_a_job_waits_and_runs_once_whatever_happens_between(
    redis: Redis, store: JobStore, statistics: Statistics
) -> None:
    job = new_job(store)
    claimed(store, job).give_back()
    claimed(store, job).fail(JobError(code="zero_map", title="", detail=""))
    canceled = new_job(store)
    store.cancel(canceled.id, "local")
    counts = statistics.counts()
    assert sum(counts.waited[FAST].counts.values()) == 1
    assert sum(counts.ran[FAST].counts.values()) == 1
    assert counts.errors == {("zero_map", "saliency"): 1} and counts.recovered == {}


def test_every_lost_lease_is_a_recovery(
    store: JobStore, statistics: Statistics, settings: Settings
) -> None:
    """Whether the reconciler queues the job again or another worker takes it over."""
    job = new_job(store)
    claimed(store, job)
    time.sleep(settings.lease_s + 0.05)
    assert recovered(store, job.id) == "publish"
    claimed(store, job)
    time.sleep(settings.lease_s + 0.05)
    claimed(store, job)
    assert statistics.counts().recovered == {("saliency",): 2}
    time.sleep(settings.lease_s + 0.05)
    assert claim(store, job.id) is None
    counts = statistics.counts()
    assert counts.errors == {("poisoned", "saliency"): 1}
    assert counts.recovered == {("saliency",): 2}


def test_what_a_later_version_counts_is_left_alone(redis: Redis, statistics: Statistics) -> None:
    redis.hset(redis_keys.STATISTICS, "delivered:200", 7)
    assert statistics.counts().errors == {}
