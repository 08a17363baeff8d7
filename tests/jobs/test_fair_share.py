"""Workers pick jobs by start-time fair queuing, and no message and no job is lost by it."""

import random
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import pytest
from redis import Redis

from jobs import redis_keys
from jobs.create_options import CreateOptions
from jobs.job_request import JobRequest
from jobs.lease import claim
from jobs.model import Job, Status
from jobs.owner_limits import DEFAULT_LIMITS, OwnerLimits
from jobs.settings import Settings
from jobs.store import JobStore
from tests.jobs.test_transitions import recovered

NOBODY = "0" * 32


def posted(
    store: JobStore,
    owner: str,
    cost: float = 1.0,
    queue: str = "fast",
    limits: OwnerLimits = DEFAULT_LIMITS,
    deadline_s: float | None = None,
) -> Job:
    request = JobRequest(
        owner=owner, technique="saliency", model="m", queue=queue, params={}, cost=cost
    )
    return store.create(request, CreateOptions(deadline_s=deadline_s, limits=limits))


def in_order(*jobs: Job) -> list[Job]:
    """Return jobs in the order in which they are picked: those of a millisecond by their ids."""
    return sorted(jobs, key=lambda job: (job.created_ms, job.id))


def picked(store: JobStore, count: int, queue: str = "fast") -> list[str]:
    """Return the owners of the next jobs, which are claimed and finished."""
    owners = []
    for _ in range(count):
        job_id = store.pick(NOBODY, queue)
        if job_id is None:
            break
        lease = claim(store, job_id)
        assert lease is not None
        lease.succeed({}, [], {})
        owners.append(lease.job.owner)
    return owners


def test_one_job_of_a_small_owner_comes_before_the_many_of_another(store: JobStore) -> None:
    for _ in range(24):
        posted(store, "many", cost=50)
    assert picked(store, 1) == ["many"]
    posted(store, "one")
    assert picked(store, 2) == ["one", "many"]


def test_shares_by_cost_stay_within_one_job(store: JobStore) -> None:
    cost = {"a": 1.0, "b": 5.0}
    for owner, each in cost.items():
        for _ in range(100):
            posted(store, owner, each)
    had: Counter[str] = Counter()
    for owner in picked(store, 118):
        had[owner] += cost[owner]
        assert abs(had["a"] - had["b"]) <= 5.0


def test_an_owner_of_three_times_the_weight_gets_three_times_as_much(store: JobStore) -> None:
    for _ in range(40):
        posted(store, "heavy", limits=OwnerLimits(weight=3))
        posted(store, "light")
    for count in range(4, 40, 4):
        had = Counter(picked(store, 4))
        assert had["heavy"] == 3, count


def test_jobs_of_one_owner_run_in_the_order_of_their_posts(store: JobStore) -> None:
    jobs = []
    for _ in range(5):
        jobs.append(posted(store, "ada").id)
        time.sleep(0.002)  # jobs of one millisecond have no order of their own
    assert [store.pick(NOBODY, "fast") for _ in range(6)] == [*jobs, None]


def test_an_owner_who_waited_long_gets_no_credit(store: JobStore) -> None:
    posted(store, "late")
    assert picked(store, 1) == ["late"]
    for _ in range(60):
        posted(store, "busy")
    picked(store, 40)
    for _ in range(20):
        posted(store, "late")
    assert Counter(picked(store, 10)) == {"busy": 5, "late": 5}


def test_posting_one_by_one_gets_no_more_than_posting_all_at_once(store: JobStore) -> None:
    for _ in range(60):
        posted(store, "queue", cost=2)
    had: Counter[str] = Counter()
    posted(store, "drip", cost=2)
    for _ in range(40):
        (owner,) = picked(store, 1)
        had[owner] += 1
        if owner == "drip":
            posted(store, "drip", cost=2)
    assert abs(had["drip"] - had["queue"]) <= 1


def test_queues_are_shared_each_on_its_own(store: JobStore) -> None:
    for _ in range(10):
        posted(store, "a", cost=1000, queue="slow")
    picked(store, 5, "slow")
    posted(store, "a"), posted(store, "b")
    assert picked(store, 2) == ["a", "b"] and picked(store, 1) == []


@dataclass
class Oracle:
    """Start-time fair queuing as the paper defines it, in plain Python."""

    clock: float = 0.0
    finish: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    waiting: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    start: dict[str, float] = field(default_factory=dict)

    def post(self, owner: str, cost: float) -> None:
        if not self.waiting[owner]:
            self.start[owner] = max(self.clock, self.finish[owner])
        self.waiting[owner].append(cost)

    def pick(self, weights: dict[str, float]) -> str | None:
        owners = [owner for owner in self.waiting if self.waiting[owner]]
        if not owners:
            return None
        owner = min(owners, key=lambda one: (self.start[one], one))
        self.clock = max(self.clock, self.start[owner])
        cost = self.waiting[owner].pop(0)
        self.finish[owner] = self.start[owner] = self.start[owner] + cost / weights[owner]
        return owner


@pytest.mark.parametrize("seed", range(3))
def test_random_posts_and_picks_are_those_of_the_paper(store: JobStore, seed: int) -> None:
    chance, oracle = random.Random(seed), Oracle()
    weights = {"a": 1.0, "b": 3.0, "c": 0.3}
    for _ in range(150):
        if chance.random() < 0.5:
            # One cost for each: jobs of one millisecond have no order of their own.
            owner, cost = chance.choice([("a", 1.0), ("b", 40.0), ("c", 2.5)])
            posted(store, owner, cost, limits=OwnerLimits(weight=weights[owner]))
            oracle.post(owner, cost)
        else:
            assert (picked(store, 1) or [None])[0] == oracle.pick(weights)


def test_a_job_that_has_begun_is_run_itself(store: JobStore) -> None:
    begun = posted(store, "a")
    lease = claim(store, begun.id)
    assert lease is not None and lease.give_back()
    posted(store, "b")
    assert store.pick(begun.id, "fast") == begun.id
    assert claim(store, begun.id)
    store.redis.hset(redis_keys.job(begun.id), "lease_ms", 0)
    assert store.pick(begun.id, "fast") == begun.id


@pytest.mark.parametrize("ended", ["running", "succeeded", "canceled", "gone"])
def test_the_message_of_a_job_that_was_picked_before_serves_another(
    store: JobStore, ended: str
) -> None:
    first, second = in_order(posted(store, "a"), posted(store, "a"))
    if ended == "canceled":
        store.cancel(first.id, "a")
    else:
        assert store.pick(second.id, "fast") == first.id
        lease = claim(store, first.id)
        assert lease is not None
        if ended != "running":
            lease.succeed({}, [], {})
        if ended == "gone":
            store.forget(first.id)
    assert store.pick(first.id, "fast") == second.id


def test_a_picked_job_whose_worker_died_before_the_claim_is_picked_again(store: JobStore) -> None:
    job = posted(store, "a")
    assert store.pick(job.id, "fast") == job.id
    assert store.pick(job.id, "fast") is None or store.pick(job.id, "fast") == job.id
    store.redis.zadd(redis_keys.WAITING, {job.id: 0})
    assert recovered(store, job.id) == "publish"
    assert store.pick(NOBODY, "fast") == job.id


def test_jobs_that_cannot_run_are_not_picked(store: JobStore) -> None:
    canceled, late, last = posted(store, "a"), posted(store, "a", deadline_s=60), posted(store, "a")
    store.cancel(canceled.id, "a")
    store.redis.hset(redis_keys.job(late.id), "deadline_ms", 1)
    store.redis.zadd(redis_keys.WAITING, {late.id: 0})
    assert recovered(store, late.id) == "deadline_exceeded"
    assert [store.pick(NOBODY, "fast") for _ in range(2)] == [last.id, None]


def test_a_canceled_job_costs_nothing(store: JobStore) -> None:
    for _ in range(3):
        store.cancel(posted(store, "a", cost=100).id, "a")
    posted(store, "a"), posted(store, "b")
    assert picked(store, 2) == ["a", "b"]


def test_an_owner_with_all_the_jobs_that_may_run_is_passed_over(store: JobStore) -> None:
    limits = OwnerLimits(max_running=1)
    jobs = [posted(store, "a", limits=limits) for _ in range(3)]
    job_id = store.pick(NOBODY, "fast")
    assert job_id is not None
    lease = claim(store, job_id)
    assert lease is not None
    assert store.pick(NOBODY, "fast") is None
    other = posted(store, "b")
    assert store.pick(NOBODY, "fast") == other.id
    assert _due(store) == []
    lease.succeed({}, [], {})
    (due,) = _due(store)
    assert due in {job.id for job in jobs} - {job_id}
    assert recovered(store, due) == "publish"
    assert store.pick(due, "fast") == due


def test_jobs_that_are_claimed_beside_a_picked_one_count(store: JobStore) -> None:
    limits = OwnerLimits(max_running=1)
    first, second = (posted(store, "a", limits=limits) for _ in range(2))
    assert claim(store, first.id) is not None
    assert claim(store, second.id) is None and store.get(second.id).status is Status.QUEUED
    lease = claim(store, first.id)
    assert lease is None


def test_two_picks_before_a_claim_run_no_more_than_allowed(store: JobStore) -> None:
    limits = OwnerLimits(max_running=1)
    for _ in range(2):
        posted(store, "a", limits=limits)
    ids = [store.pick(NOBODY, "fast") for _ in range(2)]
    leases = [claim(store, job_id) for job_id in ids if job_id]
    assert [lease is not None for lease in leases] == [True, False]
    leases[0].succeed({}, [], {})
    assert _due(store) == [ids[1]] and store.pick(NOBODY, "fast") == ids[1]


def test_a_running_job_whose_record_is_gone_does_not_count_for_ever(store: JobStore) -> None:
    limits = OwnerLimits(max_running=1)
    lost = posted(store, "a", limits=limits)
    assert claim(store, lost.id)
    waiting = posted(store, "a", limits=limits)
    store.redis.delete(redis_keys.job(lost.id))
    assert store.pick(NOBODY, "fast") is None
    time.sleep(store.settings.lease_ms / 1000 + 0.1)
    assert store.pick(NOBODY, "fast") == waiting.id


def test_a_limit_that_is_new_is_that_of_the_job_that_waits(store: JobStore) -> None:
    lease = claim(store, posted(store, "a").id)
    waiting = posted(store, "a", limits=OwnerLimits(max_running=1))
    assert lease is not None and store.pick(NOBODY, "fast") is None
    lease.succeed({}, [], {})
    assert _due(store) == [waiting.id]


def _due(store: JobStore) -> list[str]:
    seconds, micros = store.redis.time()
    return store.redis.zrangebyscore(redis_keys.WAITING, 0, seconds * 1000 + micros // 1000)


def test_jobs_of_an_earlier_version_are_picked_by_fair_share(store: JobStore) -> None:
    for _ in range(3):
        posted(store, "busy", cost=9)
    old = posted(store, "a")
    store.redis.delete(redis_keys.owner_ready("a", "fast"))
    store.redis.zrem(redis_keys.fair_starts("fast"), "a")
    picked(store, 1)
    assert store.pick(old.id, "fast") == old.id


def test_a_job_of_an_earlier_version_is_picked(store: JobStore) -> None:
    old = posted(store, "a")
    store.redis.delete(redis_keys.owner_ready("a", "fast"), redis_keys.fair_starts("fast"))
    store.redis.hdel(redis_keys.job(old.id), "cost")
    assert store.pick(old.id, "fast") == old.id
    lease = claim(store, old.id)
    assert lease is not None and store.get(old.id).status is Status.RUNNING


def test_what_a_worker_of_an_earlier_version_runs_is_not_picked(store: JobStore) -> None:
    running, waiting = in_order(posted(store, "a"), posted(store, "a"))
    store.redis.hset(redis_keys.job(running.id), mapping={"status": "running", "started_ms": 1})
    assert store.pick(NOBODY, "fast") == waiting.id


def test_every_key_expires(redis: Redis, settings: Settings) -> None:
    store = JobStore(redis, settings)
    for owner in ("a", "b", "b"):
        posted(store, owner, cost=7, limits=OwnerLimits(max_running=2))
    picked(store, 2)
    keys = redis.keys("*")
    assert {key for key in keys if redis.ttl(key) < 0} == set()
    assert {redis_keys.fair_clock("fast"), redis_keys.fair_starts("fast")} < set(keys)
