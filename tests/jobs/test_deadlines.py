"""A job ends by its deadline, whatever its status and whichever process has died."""

import time

import pytest
from redis import Redis

from jobs.artifacts import ArtifactStore
from jobs.create_options import CreateOptions
from jobs.errors import Canceled, DeadlineExceeded, LeaseLost
from jobs.job_request import JobRequest
from jobs.lease import claim
from jobs.model import Job, Progress, Status
from jobs.reconciler import Reconciler
from jobs.settings import Settings
from jobs.store import JobStore
from tests.jobs.test_transitions import claimed, new_job
from tests.wait import wait_until

BRIEF_S = 0.15


def brief_job(store: JobStore, deadline_s: float = BRIEF_S) -> Job:
    new = JobRequest(
        owner="local", technique="saliency", model="m", queue="fast", params={"seed": 7}
    )
    return store.create(new, CreateOptions(deadline_s))


def exceeded(store: JobStore, job: Job, *words: str) -> None:
    ended = store.get(job.id)
    assert ended.status is Status.FAILED and ended.error is not None and ended.result is None
    assert ended.error.code == "deadline_exceeded" and ended.error.retryable
    assert all(word in ended.error.detail for word in words), ended.error.detail
    assert ended.finished_ms is not None and ended.deadline_ms is not None
    assert ended.finished_ms >= ended.deadline_ms


@pytest.fixture
def reconciler(store: JobStore, settings: Settings) -> Reconciler:
    return Reconciler(store, ArtifactStore(settings.artifacts_location), lambda *_: None)


def test_a_deadline_counts_from_acceptance(store: JobStore) -> None:
    job = brief_job(store, 60)
    assert job.deadline_ms == job.created_ms + 60_000
    assert new_job(store).deadline_ms is None


def test_a_waiting_job_fails_at_its_deadline_without_a_worker(
    store: JobStore, reconciler: Reconciler
) -> None:
    job = brief_job(store)
    wait_until(lambda: reconciler.recover() or store.get(job.id).status.final)
    exceeded(store, job, "waiting")


def test_a_job_is_due_at_its_deadline_if_that_is_earlier(store: JobStore, redis: Redis) -> None:
    waits, runs = brief_job(store), brief_job(store)
    claimed(store, runs)
    assert redis.zscore("retinoscope:waiting", waits.id) == waits.deadline_ms
    assert redis.zscore("retinoscope:leased", runs.id) == runs.deadline_ms
    patient = brief_job(store, 3600)
    assert (redis.zscore("retinoscope:waiting", patient.id) or 0) < (patient.deadline_ms or 0)


def test_a_job_past_its_deadline_is_not_started(store: JobStore) -> None:
    job = brief_job(store)
    time.sleep(BRIEF_S)
    assert claim(store, job.id) is None
    exceeded(store, job, "waiting")


def test_a_running_job_is_stopped_at_its_next_progress(store: JobStore) -> None:
    job = brief_job(store)
    lease = claimed(store, job)
    lease.heartbeat(Progress(done=3, total=8))
    time.sleep(BRIEF_S)
    with pytest.raises(DeadlineExceeded):
        lease.heartbeat(Progress(done=4, total=8))
    exceeded(store, job, "running", "3 of 8")
    with pytest.raises(DeadlineExceeded):
        lease.raise_if_stopped()
    with pytest.raises(LeaseLost):
        lease.heartbeat()


def test_a_running_job_without_progress_is_stopped_by_its_heartbeat(store: JobStore) -> None:
    job = brief_job(store)
    with claimed(store, job) as lease:
        wait_until(lambda: store.get(job.id).status.final)
        with pytest.raises((DeadlineExceeded, LeaseLost)):
            wait_until(lease.raise_if_stopped)
    exceeded(store, job, "running")


def test_a_hanging_worker_cannot_hold_a_job_past_its_deadline(
    store: JobStore, reconciler: Reconciler
) -> None:
    job = brief_job(store)
    lease = claimed(store, job)
    began = time.monotonic()
    wait_until(lambda: reconciler.recover() or store.get(job.id).status.final)
    assert time.monotonic() - began < store.settings.lease_s
    exceeded(store, job, "running")
    with pytest.raises(LeaseLost):
        lease.succeed({}, [], {})


def test_a_result_after_the_deadline_is_refused(store: JobStore) -> None:
    job = brief_job(store)
    lease = claimed(store, job)
    time.sleep(BRIEF_S)
    with pytest.raises(DeadlineExceeded):
        lease.succeed({}, [], {})
    exceeded(store, job, "running")


def test_an_earlier_cancel_takes_precedence_over_the_deadline(store: JobStore) -> None:
    job = brief_job(store)
    lease = claimed(store, job)
    store.cancel(job.id, "local")
    time.sleep(BRIEF_S)
    with pytest.raises(Canceled):
        lease.heartbeat()
    lease.cancel()
    assert store.get(job.id).status is Status.CANCELED


def test_a_job_that_lost_its_worker_is_not_restarted_after_its_deadline(
    store: JobStore, reconciler: Reconciler
) -> None:
    job = brief_job(store, 1)
    lease = claimed(store, job)
    assert lease.give_back()
    assert store.get(job.id).status is Status.QUEUED
    wait_until(lambda: reconciler.recover() == [] and store.get(job.id).status.final)
    exceeded(store, job, "waiting")
