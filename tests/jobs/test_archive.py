"""Records of ended jobs move to the object store, and everything about them stays as it was."""

import json

import pytest
from obstore.exceptions import BaseError as ObjectStoreError
from redis import Redis

from jobs import redis_keys
from jobs.archiver import Archiver
from jobs.artifacts import ArtifactStore
from jobs.audit import missing, orphans
from jobs.create_options import CreateOptions, WorkKey
from jobs.deduplication import Deduplicator
from jobs.errors import NotFound
from jobs.events import EventLog
from jobs.job_request import JobRequest
from jobs.model import Job
from jobs.reconciler import Reconciler
from jobs.settings import Settings
from jobs.store import JobStore
from tests.jobs.test_audit import saved
from tests.jobs.test_transitions import claimed, new_job


@pytest.fixture
def files(settings: Settings) -> ArtifactStore:
    return ArtifactStore(settings.artifacts_location)


@pytest.fixture
def reconciler(store: JobStore, files: ArtifactStore) -> Reconciler:
    return Reconciler(store, files, lambda *_: None)


def ended(store: JobStore, files: ArtifactStore, technique: str = "saliency") -> Job:
    lease = claimed(store, new_job(store, technique=technique))
    lease.succeed({"score": 0.5, "curve": list(range(200))}, [saved(files, lease)], {"a": "b"})
    return store.get(lease.job.id)


def archived(store: JobStore, reconciler: Reconciler, *job_ids: str) -> None:
    """Let the time of these jobs come."""
    for job_id in job_ids:
        assert store.redis.zscore(redis_keys.ARCHIVING, job_id) is not None
        store.redis.zadd(redis_keys.ARCHIVING, {job_id: 0})
    Archiver(store).move_due()
    for job_id in job_ids:
        assert "params" not in store.redis.hgetall(redis_keys.job(job_id))


def test_an_archived_record_is_read_as_before(
    store: JobStore, files: ArtifactStore, reconciler: Reconciler
) -> None:
    before = ended(store, files)
    life_ms = store.redis.pttl(redis_keys.job(before.id))
    archived(store, reconciler, before.id)
    assert store.get(before.id) == before == store.get(before.id, "local")
    assert 0 < life_ms - store.redis.pttl(redis_keys.job(before.id)) < 60_000
    with pytest.raises(NotFound):
        store.get(before.id, "other")


def test_it_takes_a_fraction_of_the_memory(
    store: JobStore, files: ArtifactStore, reconciler: Reconciler
) -> None:
    job = ended(store, files)
    key = redis_keys.job(job.id)
    before = store.redis.memory_usage(key)
    archived(store, reconciler, job.id)
    assert store.redis.memory_usage(key) < before / 3
    assert store.redis.object("encoding", key) in ("listpack", "ziplist")


def test_lists_hold_archived_jobs_and_filter_them(
    store: JobStore, files: ArtifactStore, reconciler: Reconciler
) -> None:
    jobs = [ended(store, files, technique) for technique in ("saliency", "occlusion") * 2]
    archived(store, reconciler, *(job.id for job in jobs[:3]))
    whole = sorted(jobs, key=lambda job: job.id, reverse=True)
    assert store.listing.page("local", before=None, limit=9).jobs == whole
    found = store.listing.page(
        "local", before=None, limit=9, wanted={"technique": "occlusion"}
    ).jobs
    assert found == [job for job in whole if job.technique == "occlusion"]
    assert (
        len(store.listing.page("local", before=None, limit=9, wanted={"status": "succeeded"}).jobs)
        == 4
    )
    assert store.listing.page("local", before=None, limit=9, wanted={"status": "failed"}).jobs == []


def test_its_files_are_no_orphans_and_go_with_it(
    store: JobStore, files: ArtifactStore, reconciler: Reconciler
) -> None:
    job = ended(store, files)
    archived(store, reconciler, job.id)
    assert list(orphans(store, files)) == [] and missing(store, files) == {}
    store.redis.zadd(redis_keys.EXPIRING, {redis_keys.expiring_job(job.id): 0})
    reconciler.sweep()
    assert files.keys("") == []
    with pytest.raises(NotFound):
        store.get(job.id)


def test_a_client_deletes_an_archived_job(
    store: JobStore, files: ArtifactStore, reconciler: Reconciler
) -> None:
    job = ended(store, files)
    archived(store, reconciler, job.id)
    assert store.cancel(job.id, "local") == job
    assert store.forget(job.id, "local")
    reconciler.sweep()
    assert files.keys("") == [] and store.listing.page("local", before=None, limit=9).jobs == []


def test_its_result_is_shared(
    store: JobStore, files: ArtifactStore, reconciler: Reconciler
) -> None:
    request = JobRequest(owner="a", technique="saliency", model="m", queue="fast", params={})
    options = CreateOptions(work=WorkKey(redis_keys.work("a", "1" * 64)))
    jobs = Deduplicator(store, files)
    lease = claimed(store, jobs.create(request, options))
    lease.succeed({"score": 1}, [saved(files, lease)], {})
    archived(store, reconciler, lease.job.id)
    again = jobs.create(request, options)
    assert again.cached and again.result is not None and again.result.summary == {"score": 1}


def test_its_state_is_told_to_who_watches(
    store: JobStore, files: ArtifactStore, reconciler: Reconciler
) -> None:
    job = ended(store, files)
    (*_, end) = EventLog(store.redis).after(job.id, "0")
    store.redis.delete(redis_keys.events(job.id))
    archived(store, reconciler, job.id)
    (event,) = EventLog(store.redis).opening(job.id, None)
    assert (event.kind, event.data) == ("state", end.data) and event.id == f"{job.finished_ms}-0"
    assert EventLog(store.redis).opening(job.id, event.id) == []


def test_jobs_that_have_not_ended_stay(store: JobStore, reconciler: Reconciler) -> None:
    jobs = [new_job(store), new_job(store)]
    claimed(store, jobs[1])
    store.redis.zadd(redis_keys.ARCHIVING, {job.id: 0 for job in jobs} | {"0" * 32: 0})
    Archiver(store).move_due()
    assert {store.get(job.id).status.value for job in jobs} == {"queued", "running"}
    assert store.redis.zcard(redis_keys.ARCHIVING) == 0


def test_a_store_that_is_away_leaves_the_record_and_is_asked_again(
    store: JobStore, files: ArtifactStore, reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ended(store, files)

    def away(*_: object) -> None:
        raise ObjectStoreError("away")

    with monkeypatch.context() as patch:
        patch.setattr(store.archive._files, "put", away)
        store.redis.zadd(redis_keys.ARCHIVING, {job.id: 0})
        Archiver(store).move_due()
    assert store.get(job.id) == job and store.redis.zscore(redis_keys.ARCHIVING, job.id) == 0
    archived(store, reconciler, job.id)
    stored = json.loads(files.get(f"jobs/{job.id}/record.json"))
    assert stored["status"] == "succeeded"


def test_jobs_that_live_no_longer_are_not_archived(redis: Redis, settings: Settings) -> None:
    store = JobStore(redis, settings.model_copy(update={"job_ttl_s": 3600}))
    claimed(store, new_job(store)).succeed({}, [], {})
    assert redis.exists(redis_keys.ARCHIVING) == 0


def test_a_list_shows_what_can_be_read(
    store: JobStore, files: ArtifactStore, reconciler: Reconciler
) -> None:
    jobs = [ended(store, files) for _ in range(3)]
    archived(store, reconciler, *(job.id for job in jobs))
    files.delete(f"jobs/{jobs[1].id}/record.json")
    found = store.listing.page("local", before=None, limit=9).jobs
    assert {job.id for job in found} == {jobs[0].id, jobs[2].id}


def test_one_process_moves_at_a_time(
    store: JobStore, files: ArtifactStore, reconciler: Reconciler
) -> None:
    job = ended(store, files)
    store.redis.zadd(redis_keys.ARCHIVING, {job.id: 0})
    store.redis.set(redis_keys.ARCHIVING_TURN, 1, px=60_000)
    Archiver(store).move_due()
    assert store.redis.zscore(redis_keys.ARCHIVING, job.id) == 0
    store.redis.delete(redis_keys.ARCHIVING_TURN)
    Archiver(store).move_due()
    assert store.redis.zscore(redis_keys.ARCHIVING, job.id) is None


def test_a_record_without_expiry_is_not_lost(
    store: JobStore, files: ArtifactStore, reconciler: Reconciler
) -> None:
    """As after a restore that lost the expiry of keys."""
    job = ended(store, files)
    store.redis.persist(redis_keys.job(job.id))
    archived(store, reconciler, job.id)
    assert store.get(job.id) == job and store.redis.pttl(redis_keys.job(job.id)) > 0
