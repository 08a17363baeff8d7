"""A worker learns of a cancel at once, not at its next heartbeat."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from jobs.artifacts import ArtifactStore
from jobs.cancel_listener import CancelListener
from jobs.connection import connect
from jobs.errors import Canceled
from jobs.lease import Lease, claim
from jobs.settings import Settings
from jobs.store import JobStore
from retinoscope.child import Child
from retinoscope.redis_server import configure
from tests.jobs.test_transitions import new_job
from tests.wait import wait_until
from workers.job_context import JobContext


@pytest.fixture
def patient(redis: Redis, settings: Settings) -> JobStore:
    """Return a store whose leases are so long that no heartbeat comes within the test."""
    return JobStore(redis, settings.model_copy(update={"lease_s": 600}))


@pytest.fixture
def cancels(redis: Redis) -> CancelListener:
    made = CancelListener(redis)
    before = listeners(redis)
    made.start()
    wait_until(lambda: listeners(redis) > before)
    return made


def listeners(redis: Redis) -> int:
    """Count the subscriptions of this test and those that remain of earlier tests."""
    ((_, count),) = redis.pubsub_numsub("retinoscope:cancels")
    return int(count)


@pytest.fixture
def held(patient: JobStore, cancels: CancelListener) -> Iterator[tuple[Lease, threading.Event]]:
    job = new_job(patient)
    with cancels.watch(job.id) as told:
        lease = claim(patient, job.id, told)
        assert lease is not None
        with lease:
            yield lease, told


def test_a_canceled_job_takes_no_further_step(
    patient: JobStore, settings: Settings, held: tuple[Lease, threading.Event]
) -> None:
    lease, told = held
    context = JobContext(lease, ArtifactStore(settings.artifacts_location), {}, lambda: False)
    context.progress(0, 100)
    context.progress(1, 100)
    patient.cancel(lease.job.id, "local")
    wait_until(told.is_set)
    for stop in (
        lambda: context.progress(2, 100),
        lambda: context.save("a.png", b"a", "image/png"),
    ):
        with pytest.raises(Canceled):
            stop()
    lease.cancel()
    assert context.artifacts == []


def test_a_cancel_between_watch_and_claim_is_noticed(
    patient: JobStore, cancels: CancelListener
) -> None:
    job = new_job(patient)
    with cancels.watch(job.id) as told:
        first = claim(patient, job.id)
        patient.cancel(job.id, "local")
        wait_until(told.is_set)
    assert first is not None and told.is_set()


def test_the_cancel_of_another_job_has_no_effect(
    patient: JobStore, cancels: CancelListener, held: tuple[Lease, threading.Event]
) -> None:
    lease, told = held
    other = new_job(patient)
    with cancels.watch(other.id) as others:
        assert claim(patient, other.id, others)
        patient.cancel(other.id, "local")
        wait_until(others.is_set)
    assert not told.is_set()
    lease.raise_if_stopped()


def connections(redis: Redis) -> set[str]:
    """Return the ids of the connections that subscribe."""
    return {client["id"] for client in redis.client_list(_type="pubsub")}


def test_the_listener_reconnects_after_a_redis_outage(
    patient: JobStore,
    held: tuple[Lease, threading.Event],
    redis: Redis,
    redis_server: tuple[Child, str],
) -> None:
    lease, told = held
    before = connections(redis)
    for number in before:
        redis.client_kill_filter(_id=number)
    wait_until(lambda: len(connections(redis) - before) >= len(before))
    patient.cancel(lease.job.id, "local")
    wait_until(told.is_set)


def test_an_outage_is_logged_when_it_begins_and_when_it_ends(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    command, url = configure(tmp_path)
    server = Child("redis", command, {}, tmp_path / "redis.log", patience_s=5)
    redis = connect(url)
    listener = CancelListener(redis)
    try:
        listener.start()
        wait_until(lambda: caplog.messages)
        time.sleep(1.2)  # two more tries
        server.start()
        wait_until(lambda: len(caplog.messages) > 1)
        with listener.watch("019a") as told:
            redis.publish("retinoscope:cancels", "019a")
            wait_until(told.is_set)
    finally:
        server.stop()
    wait_until(lambda: len(caplog.messages) > 2)
    assert caplog.messages[:3] == [
        "the cancel listener waits for Redis: ConnectionError",
        "the cancel listener has Redis again",
        "the cancel listener waits for Redis: ConnectionError",
    ]
