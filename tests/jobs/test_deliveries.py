"""Each end of a job that has a webhook leaves exactly one delivery, which expires with the job."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest
from redis import Redis

from jobs import redis_keys
from jobs.artifacts import ArtifactStore
from jobs.create_options import CreateOptions, WorkKey
from jobs.deduplication import Deduplicator
from jobs.deliveries import (
    IN_ALL,
    PER_HOST,
    Delivery,
    DeliveryLoad,
    DeliveryState,
    DeliveryStore,
    message_id,
)
from jobs.errors import Canceled, NotFound
from jobs.job_request import JobRequest
from jobs.model import Job, JobError
from jobs.reconciler import Reconciler
from jobs.settings import Settings
from jobs.statistics import Statistics
from jobs.store import JobStore
from jobs.webhook import EVENTS, FINAL_EVENTS, Webhook
from jobs.webhook_secrets import LIFE_MS, OVERLAP_MS, WebhookSecrets
from tests.jobs.test_transitions import claimed, recovered

REQUEST = JobRequest(owner="ada", technique="saliency", model="m", queue="fast", params={"seed": 7})
HOST = "hooks.example.com"


def hooked(
    store: JobStore,
    events: tuple[str, ...] = EVENTS,
    host: str = HOST,
    owner: str = "ada",
    **options: float,
) -> Job:
    """Queue a job whose webhook is at that host."""
    webhook = Webhook(f"https://{host}/a?b=https://c/", events)
    request = replace(REQUEST, owner=owner)
    return store.create(request, CreateOptions(webhook=webhook, **options))  # type: ignore


@pytest.fixture
def deliveries(redis: Redis) -> DeliveryStore:
    return DeliveryStore(redis)


def events(deliveries: DeliveryStore, job: Job) -> list[str]:
    """Return the events of a job's deliveries, none of which was sent."""
    found = deliveries.of_job(job.id)
    assert all(each.state is DeliveryState.WAITING and each.attempts == 0 for each in found)
    assert [each.id for each in found] == [message_id(job.id, each.event) for each in found]
    assert all((each.job, each.host) == (job.id, HOST) for each in found)
    return [each.event for each in found]


def succeed(store: JobStore, job: Job) -> None:
    claimed(store, job).succeed({}, [], {})


def fail(store: JobStore, job: Job) -> None:
    claimed(store, job).fail(JobError(code="internal_error", title="", detail=""))


def cancel_running(store: JobStore, job: Job) -> None:
    lease = claimed(store, job)
    store.cancel(job.id, "ada")
    with suppress(Canceled):
        lease.succeed({}, [], {})


def poison(store: JobStore, job: Job) -> None:
    claimed(store, job)
    time.sleep(store.settings.lease_s + 0.05)
    recovered(store, job.id, max_attempts=1)


@pytest.mark.parametrize(
    ("end", "final"),
    [
        (succeed, "job.succeeded"),
        (fail, "job.failed"),
        (cancel_running, "job.canceled"),
        (poison, "job.failed"),
    ],
)
def test_a_job_that_ran_tells_of_its_start_and_its_end(
    store: JobStore,
    deliveries: DeliveryStore,
    end: Callable[[JobStore, Job], None],
    final: str,
) -> None:
    job = hooked(store)
    assert events(deliveries, job) == []
    end(store, job)
    assert events(deliveries, job) == ["job.started", final]


def test_a_job_that_did_not_run_tells_of_its_end(
    store: JobStore, deliveries: DeliveryStore
) -> None:
    canceled, late = hooked(store), hooked(store, deadline_s=0.05)
    store.cancel(canceled.id, "ada")
    time.sleep(0.1)
    recovered(store, late.id)
    assert events(deliveries, canceled) == ["job.canceled"]
    assert events(deliveries, late) == ["job.failed"]


def test_only_the_events_that_are_asked_for_are_told(
    store: JobStore, deliveries: DeliveryStore
) -> None:
    job, other = hooked(store, FINAL_EVENTS), hooked(store, ("job.failed",))
    for each in (job, other):
        succeed(store, each)
    assert events(deliveries, job) == ["job.succeeded"]
    assert events(deliveries, other) == []


def test_a_start_is_told_once(store: JobStore, deliveries: DeliveryStore) -> None:
    job = hooked(store)
    assert claimed(store, job).give_back()
    succeed(store, job)
    assert events(deliveries, job) == ["job.started", "job.succeeded"]


def test_a_result_that_is_shared_is_told_to_each(
    store: JobStore, deliveries: DeliveryStore, settings: Settings
) -> None:
    work = WorkKey(redis_keys.work("ada", "w"))
    share = Deduplicator(store, ArtifactStore(settings.artifacts_location))
    options = CreateOptions(work=work, webhook=Webhook(f"https://{HOST}/"))
    leader, follower = (share.create(REQUEST, options) for _ in range(2))
    assert follower.follows == leader.id
    succeed(store, leader)
    assert share.take(store.get(follower.id))
    cached = share.create(REQUEST, options)
    assert cached.cached and cached.id != leader.id
    for job in (leader, follower, cached):
        assert events(deliveries, job) == ["job.succeeded"]


def claim(deliveries: DeliveryStore, lease_ms: int = 1000) -> list[Delivery]:
    return deliveries.claim(lease_ms, {})


def test_a_sender_gets_few_of_one_host_and_those_that_wait_longest(
    store: JobStore, deliveries: DeliveryStore
) -> None:
    first = [hooked(store, host="a.example") for _ in range(PER_HOST + 2)]
    others = [hooked(store, host=f"h{number}.example") for number in range(3)]
    for job in (*first, *others):
        store.cancel(job.id, "ada")
        time.sleep(0.002)  # what is due in the same millisecond has no order
    got = claim(deliveries)
    assert [each.job for each in got] == [job.id for job in (*first[:PER_HOST], *others)]
    assert all(each.attempts == 1 and each.token for each in got)
    assert deliveries.claim(1000, {"ada": {"a.example": PER_HOST}}) == []
    again = deliveries.claim(1000, {"ada": {"a.example": 1}})
    assert [each.job for each in again] == [first[PER_HOST].id]
    assert deliveries.claim(1000, {"ada": {"b.example": IN_ALL}}) == []


def canceled(store: JobStore, owner: str, hosts: int) -> None:
    """Leave one message of an owner to each of so many hosts."""
    for number in range(hosts):
        job = hooked(store, host=f"h{number}.{owner}.example", owner=owner)
        store.cancel(job.id, owner)


def test_an_owner_has_no_more_places_than_are_free(
    store: JobStore, deliveries: DeliveryStore
) -> None:
    """A name that stands for all hosts below it is no way to all places."""
    canceled(store, "ada", 3 * IN_ALL)
    for owner in ("bob", "carol"):
        canceled(store, owner, 2)
    owners = Counter(each.owner for each in claim(deliveries))
    assert owners == {"ada": IN_ALL // 2, "bob": 2, "carol": 2}
    busy = {"ada": {"h0.ada.example": 20}, "bob": {"h0.bob.example": 25}}
    assert len(deliveries.claim(1000, busy)) == 0
    busy = {"ada": {"h0.ada.example": 10}, "bob": {"h0.bob.example": 20}}
    assert len(deliveries.claim(1000, busy)) == 12


def test_two_owners_share_no_host(store: JobStore, deliveries: DeliveryStore) -> None:
    for owner in ("ada", "bob"):
        store.cancel(hooked(store, owner=owner).id, owner)
    (found,) = deliveries.claim(1000, {"ada": {HOST: PER_HOST}})
    assert found.owner == "bob"


def test_what_waits_what_is_overdue_and_what_is_over_is_counted(
    store: JobStore, deliveries: DeliveryStore, redis: Redis
) -> None:
    assert deliveries.load() == DeliveryLoad(0, 0, 0)
    canceled(store, "ada", 3)
    time.sleep(0.1)
    load = deliveries.load()
    assert load.waiting == 3 and load.oldest_s >= load.overdue_s >= 0.1
    redis.delete(redis_keys.STATISTICS)
    arrived, late, refused = claim(deliveries, lease_ms=60_000)
    deliveries.record(arrived, DeliveryState.DELIVERED, 204)
    deliveries.record(late, DeliveryState.WAITING, None, 60_000)
    deliveries.record(refused, DeliveryState.FAILED, 410)
    load = deliveries.load()
    assert load.waiting == 1 and load.oldest_s >= 0.1 and load.overdue_s == 0
    assert redis.pttl(redis_keys.STATISTICS) > 0
    counts = Statistics(redis).counts()
    assert counts.deliveries == {("delivered",): 1, ("failed",): 1}
    assert counts.attempts == {("2xx",): 1, ("none",): 1, ("4xx",): 1}
    deliveries.replay(arrived.job, arrived.id)
    assert deliveries.load().waiting == 2


def test_a_lease_that_ends_makes_the_message_due_again_and_its_holder_powerless(
    store: JobStore, deliveries: DeliveryStore
) -> None:
    store.cancel(hooked(store).id, "ada")
    (early,) = claim(deliveries, lease_ms=50)
    assert claim(deliveries) == []
    time.sleep(0.1)
    (late,) = claim(deliveries)
    assert late.id == early.id and late.attempts == 2
    deliveries.record(early, DeliveryState.DELIVERED, 204)
    assert deliveries.of_job(early.job)[0].state is DeliveryState.WAITING
    deliveries.record(late, DeliveryState.FAILED, 410)
    (ended,) = deliveries.of_job(early.job)
    assert (ended.state, ended.status_code, ended.next_ms) == (DeliveryState.FAILED, 410, None)


def test_what_was_not_sent_does_not_count(store: JobStore, deliveries: DeliveryStore) -> None:
    store.cancel(hooked(store).id, "ada")
    (held,) = claim(deliveries)
    deliveries.give_back(held, 50)
    (waiting,) = deliveries.of_job(held.job)
    assert (waiting.state, waiting.attempts) == (DeliveryState.WAITING, 0)
    assert claim(deliveries) == []
    time.sleep(0.1)
    assert [each.attempts for each in claim(deliveries)] == [1]


def test_a_replay_makes_an_ended_delivery_due(store: JobStore, deliveries: DeliveryStore) -> None:
    job = hooked(store)
    store.cancel(job.id, "ada")
    (held,) = claim(deliveries)
    assert deliveries.replay(job.id, held.id).attempts == 1, "it is being sent"
    deliveries.record(held, DeliveryState.DELIVERED, 200)
    assert claim(deliveries) == []
    again = deliveries.replay(job.id, held.id)
    assert (again.state, again.attempts) == (DeliveryState.WAITING, 0)
    assert [each.id for each in claim(deliveries)] == [held.id]


def test_a_delivery_of_another_job_is_not_replayed(
    store: JobStore, deliveries: DeliveryStore
) -> None:
    job, other = hooked(store), hooked(store)
    for each in (job, other):
        store.cancel(each.id, "ada")
    for message in (message_id(other.id, "job.canceled"), message_id(job.id, "job.failed"), "*"):
        with pytest.raises(NotFound):
            deliveries.replay(job.id, message)


def test_deliveries_expire_with_their_job(redis: Redis, settings: Settings) -> None:
    brief = settings.model_copy(update={"job_ttl_s": 1})
    store, files = JobStore(redis, brief), ArtifactStore(settings.artifacts_location)
    succeed(store, hooked(store))
    deliveries = DeliveryStore(redis)
    for held in claim(deliveries):
        deliveries.record(held, DeliveryState.WAITING, 503, 60_000)
    keys = list(redis.scan_iter("retinoscope:*deliver*"))
    assert len(keys) == 6 and all(redis.pttl(key) > 0 for key in keys)
    time.sleep(1.1)
    Reconciler(store, files, lambda *_: None).sweep()
    assert list(redis.scan_iter("retinoscope:*deliver*")) == []


def test_a_delivery_without_its_record_is_forgotten(
    store: JobStore, deliveries: DeliveryStore, redis: Redis
) -> None:
    job = hooked(store, FINAL_EVENTS)
    store.cancel(job.id, "ada")
    redis.delete(redis_keys.delivery(message_id(job.id, "job.canceled")))
    assert deliveries.load().waiting == 0
    assert claim(deliveries) == [] and not redis.exists(redis_keys.OWNERS_DUE)


def test_a_secret_is_made_once_and_kept_per_owner(redis: Redis) -> None:
    secrets = WebhookSecrets(redis)
    ada = secrets.of("ada")
    assert ada == secrets.of("ada") != secrets.of("bob")
    assert ada.secret.startswith("whsec_") and ada.all == [ada.secret]
    life_ms = redis.pttl(redis_keys.webhook_secret("ada"))
    assert LIFE_MS - 60_000 < life_ms <= LIFE_MS


def test_the_secret_before_signs_for_a_day(redis: Redis) -> None:
    secrets = WebhookSecrets(redis)
    before = secrets.of("ada").secret
    rotated = secrets.rotate("ada")
    assert rotated.all == [rotated.secret, before] and secrets.of("ada") == rotated
    seconds, _ = redis.time()
    assert rotated.previous_ms is not None
    assert abs(rotated.previous_ms - seconds * 1000 - OVERLAP_MS) < 5000
    redis.hset(redis_keys.webhook_secret("ada"), "previous_ms", seconds * 1000 - 1)
    assert secrets.of("ada").all == [rotated.secret]
    assert not redis.hexists(redis_keys.webhook_secret("ada"), "previous")


def test_the_deliveries_of_an_archived_job_are_kept_and_go_with_it(
    store: JobStore, deliveries: DeliveryStore, redis: Redis
) -> None:
    job = hooked(store, FINAL_EVENTS)
    succeed(store, job)
    store.archive.move(job.id)
    assert events(deliveries, job) == ["job.succeeded"]
    assert store.get(job.id).webhook == f"https://{HOST}/a?b=https://c/"
    assert store.forget(job.id, "ada")
    assert list(redis.scan_iter("retinoscope:*deliver*")) == []
