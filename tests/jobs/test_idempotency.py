"""Key and record are written in one step, and an expired reservation never displaces another."""

import time

import pytest
from redis import Redis

from jobs.create_options import CreateOptions
from jobs.errors import KeyReused, KeyTaken, QueueFull
from jobs.idempotency import IdempotencyKeys, Reservation
from jobs.job_request import JobRequest
from jobs.store import JobStore

NEW = JobRequest(owner="ada", technique="saliency", model="m", queue="fast", params={"seed": 7})


@pytest.fixture
def keys(redis: Redis) -> IdempotencyKeys:
    return IdempotencyKeys(redis)


def reserved(keys: IdempotencyKeys, fingerprint: str = "f") -> Reservation:
    reservation = Reservation.of("ada", "k", fingerprint)
    assert keys.reserve(reservation) == "reserved"
    return reservation


def run_out(redis: Redis, reservation: Reservation) -> None:
    redis.pexpire(reservation.name, 1)
    time.sleep(0.01)
    assert not redis.exists(reservation.name)


def test_a_key_is_reserved_by_one_request_and_then_names_its_job(
    store: JobStore, keys: IdempotencyKeys
) -> None:
    reservation = reserved(keys)
    assert keys.reserve(reservation) == "reserved"  # asked twice, after a broken connection
    assert keys.reserve(Reservation.of("ada", "k", "f")) == "busy"
    job = store.create(NEW, CreateOptions(idempotency=reservation))
    assert keys.reserve(Reservation.of("ada", "k", "f")) == job.id
    with pytest.raises(KeyReused):
        keys.reserve(Reservation.of("ada", "k", "another"))
    assert keys.reserve(Reservation.of("bob", "k", "another")) == "reserved"


def test_an_expired_reservation_still_wins_if_no_other_request_came(
    store: JobStore, keys: IdempotencyKeys, redis: Redis
) -> None:
    slow = reserved(keys)
    run_out(redis, slow)
    job = store.create(NEW, CreateOptions(idempotency=slow))
    assert keys.reserve(Reservation.of("ada", "k", "f")) == job.id


@pytest.mark.parametrize("how_far", ["reserved", "made"])
def test_an_expired_reservation_loses_to_another_request(
    store: JobStore, keys: IdempotencyKeys, redis: Redis, how_far: str
) -> None:
    slow = reserved(keys)
    run_out(redis, slow)
    heir = reserved(keys)
    if how_far == "made":
        store.create(NEW, CreateOptions(idempotency=heir))
    before = redis.dbsize()
    with pytest.raises(KeyTaken):
        store.create(NEW, CreateOptions(idempotency=slow))
    keys.release(slow)
    assert redis.dbsize() == before
    assert keys.reserve(Reservation.of("ada", "k", "f")) != "reserved"


def test_a_refused_job_leaves_the_key_reserved(
    store: JobStore, keys: IdempotencyKeys, redis: Redis
) -> None:
    full = JobStore(redis, store.settings.model_copy(update={"max_queued": 1}))
    full.create(NEW)
    reservation = reserved(keys)
    with pytest.raises(QueueFull):
        full.create(NEW, CreateOptions(idempotency=reservation))
    assert redis.hget(reservation.name, "job") is None
    keys.release(reservation)
    assert not redis.exists(reservation.name)


def test_a_release_never_takes_a_key_from_its_job(
    store: JobStore, keys: IdempotencyKeys, redis: Redis
) -> None:
    reservation = reserved(keys)
    job = store.create(NEW, CreateOptions(idempotency=reservation))
    keys.release(reservation)
    assert keys.reserve(Reservation.of("ada", "k", "f")) == job.id
    assert 86_000 < redis.ttl(reservation.name) <= 86_400
    store.forget(job.id, "ada")
    assert keys.reserve(Reservation.of("ada", "k", "another")) == "reserved"
    assert 0 < redis.ttl(reservation.name) <= 30
