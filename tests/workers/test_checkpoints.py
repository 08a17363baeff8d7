"""Previews and checkpoints of a job: fenced, whole at every moment, and gone when the job ends."""

import io
import threading
from collections.abc import Callable
from functools import partial

import pytest
from obstore.exceptions import BaseError as ObjectStoreError
from PIL import Image
from redis import Redis, RedisError

from jobs.artifacts import ArtifactStore
from jobs.errors import Canceled, GivenBack, LeaseLost
from jobs.lease import Lease
from jobs.model import Job, JobError
from jobs.reconciler import Reconciler
from jobs.settings import Settings
from jobs.store import JobStore
from tests.jobs.test_transitions import claimed, new_job, recovered
from tests.tiny import photo
from tests.wait import wait_until
from workers.job_context import JobContext

Contexts = Callable[..., JobContext]


@pytest.fixture
def files(settings: Settings) -> ArtifactStore:
    return ArtifactStore(settings.artifacts_location)


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


@pytest.fixture
def context(files: ArtifactStore, stop: threading.Event) -> Contexts:
    def make(lease: Lease, every_s: float = 0) -> JobContext:
        return JobContext(lease, files, {}, stop.is_set, every_s)

    return make


@pytest.fixture
def job(store: JobStore) -> Job:
    return new_job(store)


def heir_of(store: JobStore, job: Job) -> Lease:
    """Another attempt, once the lease of the one before it is over."""
    leases: list[Lease] = []

    def taken() -> bool:
        lease = claimed(store, job) if recovered(store, job.id) != "leased" else None
        leases.extend([lease] if lease else [])
        return bool(leases)

    wait_until(taken)
    return leases[0]


def keep(context: JobContext, data: bytes) -> None:
    """Ask until it is time."""
    made: list[bytes] = []

    def make() -> bytes:
        made.append(data)
        return data

    wait_until(lambda: context.checkpoint(make) or made)


def scratch(files: ArtifactStore, job: Job) -> list[str]:
    return [
        key for key in files.keys(f"jobs/{job.id}") if "/checkpoints/" in key or "/previews/" in key
    ]


def sweep(store: JobStore, files: ArtifactStore) -> None:
    Reconciler(store, files, lambda *_: None).sweep()


def test_a_job_without_a_checkpoint_begins_at_the_beginning(
    store: JobStore, job: Job, context: Contexts
) -> None:
    assert context(claimed(store, job)).resume() is None


def test_an_attempt_and_its_successor_read_the_checkpoint(
    store: JobStore, job: Job, context: Contexts
) -> None:
    first = context(claimed(store, job))
    keep(first, b"one")
    keep(first, b"two")
    assert first.resume() == b"two"
    assert context(heir_of(store, job)).resume() == b"two"


def test_only_the_last_preview_and_checkpoint_are_kept(
    store: JobStore, job: Job, context: Contexts, files: ArtifactStore
) -> None:
    for attempt in range(2):
        writing = context(claimed(store, job) if attempt == 0 else heir_of(store, job))
        for i in range(3):
            keep(writing, b"%d-%d" % (attempt, i))
        writing.preview(photo(), 3)
    record = store.get(job.id)
    assert record.checkpoint and record.preview
    assert sorted(scratch(files, job)) == sorted([record.checkpoint.key, record.preview.key])
    assert files.get(record.checkpoint.key) == b"1-2"


@pytest.mark.parametrize("kind", ["checkpoint", "preview"])
def test_an_attempt_that_lost_its_lease_replaces_and_leaves_nothing(
    store: JobStore, job: Job, context: Contexts, files: ArtifactStore, kind: str
) -> None:
    def write(context: JobContext, side: int) -> None:
        if kind == "checkpoint":
            context.checkpoint(lambda: b"%d" % side)
        else:
            context.preview(photo(side, side), side)

    zombie = context(claimed(store, job))
    heir = context(heir_of(store, job))
    write(heir, 20)
    named = scratch(files, job)
    events = store.redis.xlen(f"retinoscope:job:{job.id}:events")
    with pytest.raises(LeaseLost):
        write(zombie, 30)
    assert scratch(files, job) == named
    assert store.redis.xlen(f"retinoscope:job:{job.id}:events") == events
    with pytest.raises(LeaseLost):
        zombie.progress(1, 2)


class Broken(ArtifactStore):
    """An object store that fails, or dies with its process, at one call."""

    def __init__(self, url: str, at: str, error: BaseException) -> None:
        super().__init__(url)
        self.at, self.error = at, error

    def put(self, key: str, data: bytes) -> None:
        if self.at == "put":
            raise self.error
        super().put(key, data)
        if self.at == "after put":
            raise self.error

    def delete(self, key: str) -> None:
        if self.at == "delete":
            raise self.error
        super().delete(key)


@pytest.mark.parametrize("at", ["put", "after put", "delete"])
def test_a_crash_between_any_two_steps_leaves_whole_bytes(
    store: JobStore, job: Job, context: Contexts, files: ArtifactStore, settings: Settings, at: str
) -> None:
    lease = claimed(store, job)
    context(lease).checkpoint(lambda: b"old")
    dying = JobContext(
        Lease(store, store.get(job.id), lease.token),
        Broken(settings.artifacts_location, at, KeyboardInterrupt()),
        {},
        lambda: False,
        0,
    )
    with pytest.raises(KeyboardInterrupt):
        dying.checkpoint(lambda: b"new")
    heir = heir_of(store, job)
    assert context(heir).resume() == (b"new" if at == "delete" else b"old")
    context(heir).checkpoint(lambda: b"newest")
    heir.succeed({}, [], {})
    sweep(store, files)
    assert scratch(files, job) == []


@pytest.mark.parametrize("error", [ObjectStoreError("full"), OSError("full"), RedisError("away")])
def test_a_checkpoint_that_cannot_be_stored_does_not_stop_the_run(
    store: JobStore, job: Job, settings: Settings, error: Exception
) -> None:
    broken = Broken(settings.artifacts_location, "", error)
    context = JobContext(claimed(store, job), broken, {}, lambda: False, 0)
    keep(context, b"old")
    broken.at = "put"
    keep(context, b"new")
    context.preview(photo(), 1)
    assert context.resume() == b"old"
    assert store.get(job.id).preview is None


def test_an_error_of_the_technique_is_not_hidden(
    store: JobStore, job: Job, context: Contexts
) -> None:
    def make() -> bytes:
        raise OSError("mine")

    with pytest.raises(OSError, match="mine"):
        context(claimed(store, job)).checkpoint(make)


def _note(made: list[int], i: int) -> bytes:
    made.append(i)
    return b""


def test_checkpoints_come_no_more_often_than_the_setting_says(
    store: JobStore, job: Job, context: Contexts
) -> None:
    made: list[int] = []
    sparing = context(claimed(store, job), 3600)
    for i in range(20):
        sparing.checkpoint(partial(_note, made, i))
    assert made == []


def test_a_worker_that_stops_keeps_the_very_last_step(
    store: JobStore, job: Job, context: Contexts, stop: threading.Event
) -> None:
    lease = claimed(store, job)
    stopping = context(lease, 3600)
    step = 0
    with pytest.raises(GivenBack):
        for step in range(10):
            stopping.progress(step, 10)
            if step == 4:
                stop.set()
            stopping.checkpoint(lambda step=step: b"%d" % step)  # type: ignore[misc]
    assert step == 4
    assert lease.give_back()
    stop.clear()
    assert context(claimed(store, job)).resume() == b"4"


def test_a_worker_that_stops_between_two_steps_keeps_the_next_one(
    store: JobStore, job: Job, context: Contexts, stop: threading.Event
) -> None:
    stopping = context(claimed(store, job), 3600)
    stopping.progress(0, 10)
    stopping.checkpoint(lambda: b"0")
    stop.set()
    stopping.progress(1, 10)
    with pytest.raises(GivenBack):
        stopping.checkpoint(lambda: b"1")
    assert stopping.resume() == b"1"


def test_a_technique_without_checkpoints_stops_at_once(
    store: JobStore, job: Job, context: Contexts, stop: threading.Event
) -> None:
    stopping = context(claimed(store, job))
    stopping.progress(0, 10)
    stop.set()
    with pytest.raises(GivenBack):
        stopping.progress(1, 10)


def test_a_technique_that_makes_no_more_checkpoints_stops_too(
    store: JobStore, job: Job, context: Contexts, stop: threading.Event
) -> None:
    stopping = context(claimed(store, job))
    stopping.checkpoint(lambda: b"0")
    stop.set()
    stopping.progress(1, 10)
    with pytest.raises(GivenBack):
        stopping.progress(2, 10)


def test_a_finished_run_is_not_given_back(
    store: JobStore, job: Job, context: Contexts, stop: threading.Event
) -> None:
    done = context(claimed(store, job))
    stop.set()
    done.progress(10, 10)
    done.checkpoint(lambda: b"10")


def test_a_canceled_run_stops_at_its_preview(store: JobStore, job: Job, context: Contexts) -> None:
    lease = claimed(store, job)
    store.cancel(job.id, "local")
    with pytest.raises(Canceled):
        lease.heartbeat()
    with pytest.raises(Canceled):
        context(lease).preview(photo(), 1)


def test_a_preview_is_small_and_comes_once_a_second(
    store: JobStore, job: Job, context: Contexts, files: ArtifactStore
) -> None:
    showing = context(claimed(store, job))
    assert showing.wants_preview()
    large = photo(1600, 900).convert("RGBA")
    showing.preview(large, 64)
    assert large.size == (1600, 900)
    assert not showing.wants_preview()
    showing.preview(photo(), 65)
    preview = store.get(job.id).preview
    assert preview is not None and preview.step == 64
    assert Image.open(io.BytesIO(files.get(preview.key))).size == (512, 288)
    wait_until(showing.wants_preview)


def test_the_event_of_a_preview_does_not_contain_its_key(
    store: JobStore, job: Job, context: Contexts
) -> None:
    context(claimed(store, job)).preview(photo(), 64)
    _, fields = store.redis.xrevrange(f"retinoscope:job:{job.id}:events", count=1)[0]
    assert fields == {"type": "preview", "data": '{"step":64}'}


@pytest.mark.parametrize("end", ["succeed", "fail", "cancel", "poison", "cancel while it waits"])
def test_an_ended_job_has_no_checkpoint_and_a_preview_only_without_a_result(
    store: JobStore, job: Job, context: Contexts, files: ArtifactStore, redis: Redis, end: str
) -> None:
    lease = claimed(store, job)
    context(lease).checkpoint(lambda: b"state")
    context(lease).preview(photo(), 5)
    match end:
        case "succeed":
            lease.succeed({}, [], {})
        case "fail":
            lease.fail(JobError(code="c", title="t", detail="d"))
        case "cancel":
            lease.cancel()
        case "poison":
            wait_until(lambda: recovered(store, job.id, max_attempts=1) == "poisoned")
        case _:
            lease.give_back()
            store.cancel(job.id, "local")
    sweep(store, files)
    ended = store.get(job.id)
    assert ended.status.final and ended.checkpoint is None
    kept = [ended.preview.key] if ended.preview else []
    assert scratch(files, job) == kept
    assert bool(kept) == (end != "succeed")
    assert redis.zscore("retinoscope:expiring", f"scratch:{job.id}") is None
    assert all(redis.ttl(key) > 0 for key in redis.scan_iter("*"))


def test_a_running_job_is_not_swept(
    store: JobStore, job: Job, context: Contexts, files: ArtifactStore
) -> None:
    context(claimed(store, job)).checkpoint(lambda: b"state")
    before = scratch(files, job)
    store.redis.zadd("retinoscope:expiring", {f"scratch:{job.id}": 1})
    sweep(store, files)
    assert scratch(files, job) == before != []


def test_an_expired_job_is_deleted_with_its_preview(
    redis: Redis, settings: Settings, files: ArtifactStore, context: Contexts
) -> None:
    brief = JobStore(redis, settings.model_copy(update={"job_ttl_s": 0.2}))
    job = new_job(brief)
    lease = claimed(brief, job)
    context(lease).preview(photo(), 5)
    lease.cancel()
    wait_until(lambda: sweep(brief, files) or not files.keys(f"jobs/{job.id}"))
    assert not [key for key in redis.scan_iter("*") if job.id in key]


def test_the_loss_is_in_the_record_and_in_the_event(
    store: JobStore, job: Job, context: Contexts
) -> None:
    context(claimed(store, job)).progress(1, 8, "steps", loss=-3.25)
    progress = store.get(job.id).progress
    assert progress is not None and progress.loss == -3.25
    _, fields = store.redis.xrevrange(f"retinoscope:job:{job.id}:events", count=1)[0]
    assert '"loss":-3.25' in fields["data"]


def test_the_remaining_time_is_estimated_from_this_attempt_alone(
    store: JobStore, job: Job, context: Contexts
) -> None:
    resumed = context(claimed(store, job))
    resumed.progress(900, 1000)
    first = store.get(job.id).progress
    assert first is not None and first.eta_s is None
