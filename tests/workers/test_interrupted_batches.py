"""Batches that are interrupted: no row is lost or doubled, and what is done stays."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis, RedisError

from jobs import redis_keys
from jobs.archiver import Archiver
from jobs.audit import missing, orphans
from jobs.batch import BatchSpec, batch_folder
from jobs.batch_reader import BatchReader
from jobs.batch_writer import BatchWriter
from jobs.errors import LeaseLost, NotFound
from jobs.lease import Lease, claim
from jobs.model import Job, Status
from jobs.reconciler import Reconciler
from jobs.settings import Settings
from tests.workers.batching import OWNER, Worker, complete
from workers.batches.row_runner import RowResult, RowRunner
from workers.throttle import Throttle

COUNT = 12


@pytest.fixture
def worker(settings: Settings, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> Worker:
    """A worker that keeps every group of rows at once."""
    monkeypatch.setattr(Throttle, "due", True)
    return Worker(settings, redis)


@pytest.fixture
def images(worker: Worker) -> list[str]:
    return worker.store_images(COUNT)


def rows_run(monkeypatch: pytest.MonkeyPatch, crash: Callable[[int], bool]) -> list[int]:
    """Let rows crash the worker; return a list that gets the number of each row that is run."""
    run, ran = RowRunner._row, []

    def noted(self: RowRunner, index: int, image_id: str) -> RowResult:
        ran.append(index)
        if crash(index):
            # The attempt ends here and writes nothing, as if its process had been killed.
            raise RedisError
        return run(self, index, image_id)

    monkeypatch.setattr(RowRunner, "_row", noted)
    return ran


def shards(worker: Worker, job: Job) -> list[bytes]:
    assert job.result
    return [worker.files.get(artifact.key) for artifact in job.result.artifacts[1:]]


def leaves_no_file_behind(worker: Worker, job: Job) -> bool:
    """Return whether the folder of the batch holds what its record names, and nothing else."""
    assert job.batch and job.result
    parts = BatchReader(worker.files, job).state.parts
    named = {job.batch.key, *(artifact.key for artifact in job.result.artifacts)}
    named |= {key for part in parts for key in (part.key, part.rows_key)}
    return set(worker.files.keys(batch_folder(job.id))) == named


@pytest.mark.parametrize("exact", [True, False])
def test_workers_that_crash_at_every_other_row_lose_and_double_none(
    worker: Worker, images: list[str], monkeypatch: pytest.MonkeyPatch, exact: bool
) -> None:
    whole = worker.finish(worker.batch(images, exact=exact))
    crashed: set[int] = set()

    def crash(index: int) -> bool:
        if index % 4 or index in crashed:
            return False
        crashed.add(index)
        return True

    rows_run(monkeypatch, crash)
    job = worker.finish(worker.batch(images, exact=exact))
    assert job.status is Status.SUCCEEDED, job.error
    # Two rows that run together crash the same worker.
    assert crashed == {0, 4, 8} and job.attempts == (4 if exact else 3)
    assert all(complete(worker.rows(job), images))
    assert [row.seed for row in worker.rows(job)] == [row.seed for row in worker.rows(whole)]
    if exact:
        assert shards(worker, job) == shards(worker, whole)
        assert worker.rows(job) == worker.rows(whole)
    for row in worker.rows(job):
        assert json.loads(worker.file(job, row, "json"))["image"] == row.image
    assert leaves_no_file_behind(worker, job)


def test_rows_that_are_kept_are_not_run_again(
    worker: Worker, images: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    crashes = iter([False] * 5 + [True] + [False] * 100)
    ran = rows_run(monkeypatch, lambda index: next(crashes))
    assert worker.finish(worker.batch(images, exact=True)).status is Status.SUCCEEDED
    assert ran == [*range(6), *range(5, COUNT)]


def test_a_row_that_crashes_each_worker_fails_alone(
    worker: Worker, images: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = rows_run(monkeypatch, lambda index: index == 6)
    job = worker.finish(worker.batch(images))
    assert job.status is Status.SUCCEEDED, job.error
    [failed] = [row for row in worker.rows(job) if row.status == "failed"]
    assert failed.index == 6 and failed.error and failed.error.code == "poisoned"
    assert all(complete(worker.rows(job), images))
    assert ran.count(6) == 3


def test_images_that_crash_each_worker_one_after_another_end_the_batch(
    worker: Worker, images: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.batches.run_batch._MOST_POISONED", 2)
    ran = rows_run(monkeypatch, lambda index: index not in (0, 2))
    job = worker.finish(worker.batch(images, exact=True))
    assert job.status is Status.FAILED and job.error and job.error.code == "poisoned"
    assert "last 2 images" in job.error.detail
    rows = worker.rows(job)
    assert [row.status for row in rows] == ["succeeded", "failed", "succeeded", "failed", "failed"]
    assert ran.count(4) == 2 and max(ran) == 4


def test_a_worker_that_crashes_before_any_row_poisons_the_batch(
    worker: Worker, images: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(self: BatchWriter, *_: object) -> None:
        raise RedisError

    monkeypatch.setattr(BatchWriter, "__init__", crash)
    job = worker.finish(worker.batch(images))
    assert job.status is Status.FAILED and job.error and job.error.code == "poisoned"
    assert job.attempts == worker.settings.max_attempts


def test_a_canceled_batch_keeps_what_is_done(
    worker: Worker, images: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = worker.batch(images, exact=True)

    def cancel(index: int) -> bool:
        if index == 5:
            worker.store.cancel(job.id, OWNER)
        return False

    monkeypatch.setattr(Throttle, "due", False)
    rows_run(monkeypatch, cancel)
    ended = worker.finish(job)
    assert ended.status is Status.CANCELED and ended.result is None
    rows = worker.rows(job)
    assert 5 <= len(rows) < COUNT and all(complete(rows, images[: len(rows)]))
    single = worker.single(job, rows[4])
    assert {name: worker.file(job, rows[4], name) for name in single} == single
    assert [part.sha256 != "" for part in BatchReader(worker.files, ended).state.parts] == [True]
    assert not list(orphans(worker.store, worker.files))


def test_a_batch_whose_deadline_passes_fails_and_its_rows_stay(
    worker: Worker, images: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = worker.batch(images, exact=True)

    def pass_deadline(index: int) -> bool:
        if index == 5:
            worker.redis.hset(redis_keys.job(job.id), "deadline_ms", 1)
        return False

    rows_run(monkeypatch, pass_deadline)
    ended = worker.finish(job)
    assert ended.status is Status.FAILED
    assert ended.error and ended.error.code == "deadline_exceeded"
    rows = worker.rows(job)
    assert len(rows) >= 5 and all(complete(rows, images[: len(rows)]))
    assert worker.file(job, rows[0], "values.npy")
    assert not list(orphans(worker.store, worker.files))


def test_a_batch_that_is_given_back_goes_on_where_it_was(
    worker: Worker, images: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Throttle, "due", False)
    ran = rows_run(monkeypatch, lambda index: False)
    worker.stopping = lambda: len(ran) >= 5
    job = worker.batch(images, exact=True)
    assert worker.run(job).status is Status.QUEUED
    kept, stopped_at = worker.store.get(job.id).batch, len(ran)
    assert kept and kept.step >= 4
    worker.stopping = lambda: False
    ended = worker.finish(job)
    assert (ended.status, ended.attempts) == (Status.SUCCEEDED, 1)
    assert ran == [*range(stopped_at), *range(kept.step, COUNT)]
    assert all(complete(worker.rows(job), images))


def test_an_attempt_that_lost_its_lease_changes_nothing(worker: Worker, images: list[str]) -> None:
    job = worker.batch(images)
    first = claimed(worker, job)
    late = BatchWriter(first, worker.files, 1 << 20)
    runner = row_runner(worker, first)
    [result] = runner.run(0, images[:1])
    late.add(result.row, result.files)
    worker.redis.hset(redis_keys.job(job.id), "lease_ms", 0)
    ended = worker.finish(job)
    assert ended.status is Status.SUCCEEDED
    with pytest.raises(LeaseLost):
        late.keep()
    assert worker.store.get(job.id) == ended
    assert all(complete(worker.rows(job), images))


def test_an_attempt_that_ends_late_deletes_nothing_of_the_one_that_succeeded(
    worker: Worker, images: list[str]
) -> None:
    job = worker.batch(images, exact=True)
    first = claimed(worker, job)
    late, runner = BatchWriter(first, worker.files, 1 << 20), row_runner(worker, first)
    for index, image_id in enumerate(images):
        [result] = runner.run(index, [image_id])
        late.add(result.row, result.files)
    late.close_shard()
    worker.redis.hset(redis_keys.job(job.id), "lease_ms", 0)
    ended = worker.finish(job)
    # Nothing is left to keep, so that no transition tells the first attempt that it has lost.
    late.finish()
    assert not missing(worker.store, worker.files)
    assert ended.result and worker.files.get(ended.result.artifacts[0].key)


def claimed(worker: Worker, job: Job) -> Lease:
    lease = claim(worker.store, job.id)
    assert lease is not None
    return lease


def row_runner(worker: Worker, lease: Lease) -> RowRunner:
    """Return the rows of an attempt that the test makes itself."""
    attempts: Any = worker.runner._attempts
    spec = BatchSpec.model_validate(lease.job.params)
    return RowRunner(
        spec,
        lease,
        worker.model,
        attempts._publisher.publish(worker.model),
        attempts._inputs.batch_images(lease.job, spec),
        lambda: False,
        lambda name: worker.model,
        worker.runner._threads,
    )


def test_deleted_and_expired_batches_leave_no_file(
    worker: Worker, images: list[str], settings: Settings
) -> None:
    reconciler = Reconciler(worker.store, worker.files, lambda *_: None)
    deleted, expired = (worker.finish(worker.batch(images)) for _ in range(2))
    assert not missing(worker.store, worker.files)
    assert not list(orphans(worker.store, worker.files))
    worker.store.forget(deleted.id, OWNER)
    worker.redis.hset(redis_keys.job(expired.id), "expires_ms", 1)
    worker.redis.zadd(redis_keys.EXPIRING, {redis_keys.expiring_job(expired.id): 1})
    reconciler.sweep()
    for job in (deleted, expired):
        assert not worker.files.keys(f"jobs/{job.id}")
        with pytest.raises(NotFound):
            worker.store.get(job.id)


def test_an_archived_batch_is_read_as_before(worker: Worker, images: list[str]) -> None:
    job = worker.finish(worker.batch(images))
    before = worker.rows(job)
    worker.redis.zadd(redis_keys.ARCHIVING, {job.id: 0})
    Archiver(worker.store).move_due()
    assert worker.redis.hget(redis_keys.job(job.id), "batch") is None
    assert worker.store.get(job.id) == job and worker.rows(job) == before
    assert not list(orphans(worker.store, worker.files))


def test_rows_are_read_while_the_batch_runs(worker: Worker, images: list[str]) -> None:
    job = worker.batch(images, exact=True)
    lease = claimed(worker, job)
    writer, runner = BatchWriter(lease, worker.files, 1 << 20), row_runner(worker, lease)
    assert worker.rows(job) == []
    for position in range(3):
        [result] = runner.run(position, images[position : position + 1])
        writer.add(result.row, result.files)
        writer.keep()
        rows = worker.rows(job)
        assert all(complete(rows, images[: position + 1]))
        assert worker.file(job, rows[-1], "json") == result.files["json"]
    before = BatchReader(worker.files, worker.store.get(job.id))
    writer.close_shard()
    assert worker.rows(job) == rows
    assert worker.file(job, rows[1], "values.npy")
    with pytest.raises(NotFound):
        list(before.rows(0))
