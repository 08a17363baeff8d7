"""Identical jobs are computed once, and what happens to one job never affects another."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from redis import Redis

from jobs import redis_keys
from jobs.artifacts import ArtifactStore
from jobs.audit import orphans
from jobs.create_options import CreateOptions, WorkKey
from jobs.deduplication import Deduplicator
from jobs.errors import OtherWeights, TooLate
from jobs.job_request import JobRequest
from jobs.lease import Lease
from jobs.model import Artifact, Job, JobError, Progress, Status
from jobs.reconciler import Reconciler
from jobs.settings import Settings
from jobs.store import JobStore, new_job_id
from tests.jobs.test_statistics import load
from tests.jobs.test_transitions import claimed, recovered
from tests.wait import wait_until

BASIS = {"retinoscope": "1", "weights": "sha256:w"}
WORK = WorkKey(redis_keys.work("ada", "digest"), BASIS)
ALONE = WorkKey(redis_keys.work("ada", "digest"), BASIS, share=False)


@pytest.fixture
def files(settings: Settings) -> ArtifactStore:
    return ArtifactStore(settings.artifacts_location)


@pytest.fixture
def sharing(store: JobStore, files: ArtifactStore) -> Deduplicator:
    return Deduplicator(store, files)


@pytest.fixture
def published() -> list[str]:
    return []


@pytest.fixture
def reconciler(store: JobStore, files: ArtifactStore, published: list[str]) -> Reconciler:
    return Reconciler(store, files, lambda job_id, *_: published.append(job_id))


def made(
    sharing: Deduplicator, seed: int = 7, work: WorkKey = WORK, deadline_s: float | None = None
) -> Job:
    new = JobRequest(
        owner="ada", technique="saliency", model="m", queue="fast", params={"seed": seed}
    )
    return sharing.create(new, CreateOptions(deadline_s, None, work))


def finished(
    files: ArtifactStore, lease: Lease, data: bytes = b"map", basis: dict[str, str] = BASIS
) -> None:
    key = f"{lease.folder}/map.png"
    files.put(key, data)
    artifact = Artifact(
        name="map.png", media_type="image/png", bytes=len(data), sha256="sha256:0", key=key
    )
    lease.heartbeat(Progress(done=2, total=2))
    lease.succeed({"score": 0.5}, [artifact], {**basis, "seed": lease.job.params["seed"]})


def led(store: JobStore, sharing: Deduplicator, files: ArtifactStore) -> Job:
    """Create a job that succeeds by itself."""
    job = made(sharing)
    finished(files, claimed(store, job))
    return store.get(job.id)


def has_the_result_of(store: JobStore, files: ArtifactStore, job: Job, leader: Job) -> None:
    job, leader = store.get(job.id), store.get(leader.id)
    assert job.status is Status.SUCCEEDED and job.cached and not leader.cached and job.attempts == 0
    assert job.result is not None and leader.result is not None
    assert job.result.summary == leader.result.summary
    assert (job.params, job.provenance, job.progress) == (
        leader.params,
        leader.provenance,
        leader.progress,
    )
    (artifact,) = job.result.artifacts
    assert artifact.model_dump() == leader.result.artifacts[0].model_dump()
    assert artifact.key.startswith(f"jobs/{job.id}/") and files.get(artifact.key) == b"map"
    assert (
        job.started_ms and job.finished_ms and job.created_ms <= job.started_ms <= job.finished_ms
    )
    assert job.follows is None


def test_a_job_takes_the_result_of_an_identical_job_at_once(
    store: JobStore, sharing: Deduplicator, files: ArtifactStore
) -> None:
    first = led(store, sharing, files)
    has_the_result_of(store, files, made(sharing, seed=8), first)
    assert load(store) == (0, 0, 0)
    assert (
        store.counters()["cached:saliency"] == 1
        and store.counters()["finished:succeeded:saliency"] == 2
    )


@pytest.mark.parametrize("forgotten", ["first", "second"])
def test_deleting_a_job_keeps_the_results_of_identical_jobs(
    store: JobStore, sharing: Deduplicator, files: ArtifactStore, forgotten: str
) -> None:
    first = led(store, sharing, files)
    second = made(sharing)
    gone, left = (first, second) if forgotten == "first" else (second, first)
    store.forget(gone.id, "ada")
    files.delete_folder(f"jobs/{gone.id}")
    result = store.get(left.id).result
    assert result is not None and files.get(result.artifacts[0].key) == b"map"
    if forgotten == "first":
        third = made(sharing)
        assert (
            third.cached
            and third.result is not None
            and files.get(third.result.artifacts[0].key) == b"map"
        )


def test_a_job_follows_an_identical_job_that_runs(
    store: JobStore,
    sharing: Deduplicator,
    files: ArtifactStore,
    reconciler: Reconciler,
    published: list[str],
) -> None:
    leader = made(sharing)
    lease = claimed(store, leader)
    follower = made(sharing, seed=8)
    assert (
        follower.status is Status.QUEUED
        and follower.follows == leader.id
        and follower.params == {"seed": 7}
    )
    time.sleep(store.settings.publish_grace_s * 1.5)
    lease.heartbeat()
    assert reconciler.recover() == []
    assert store.get(follower.id).status is Status.QUEUED
    finished(files, lease)
    reconciler.recover()
    has_the_result_of(store, files, follower, leader)
    assert published == []


@pytest.mark.parametrize(
    "end", ["fails", "is canceled", "is canceled at once", "is forgotten", "is gone"]
)
def test_a_follower_runs_by_itself_if_its_leader_has_no_result(
    store: JobStore,
    sharing: Deduplicator,
    files: ArtifactStore,
    reconciler: Reconciler,
    published: list[str],
    end: str,
) -> None:
    leader = made(sharing)
    lease = claimed(store, leader) if end in ("fails", "is canceled") else None
    follower = made(sharing)
    if lease and end == "fails":
        lease.fail(JobError(code="c", title="t", detail="d"))
    elif lease:
        store.cancel(leader.id, "ada")
        lease.cancel()
    elif end == "is canceled at once":
        store.cancel(leader.id, "ada")
    elif end == "is forgotten":
        store.forget(leader.id, "ada")
    else:
        store.redis.delete(redis_keys.job(leader.id))
        store.redis.zadd(redis_keys.WAITING, {follower.id: 1})
    reconciler.recover()
    assert published == [follower.id]
    assert store.get(follower.id).follows is None
    finished(files, claimed(store, follower))
    ended = store.get(follower.id)
    assert ended.status is Status.SUCCEEDED and not ended.cached and ended.attempts == 1


def test_one_of_the_followers_leads_if_their_leader_is_canceled(
    store: JobStore,
    sharing: Deduplicator,
    files: ArtifactStore,
    reconciler: Reconciler,
    published: list[str],
) -> None:
    leader = made(sharing)
    followers = [made(sharing) for _ in range(3)]
    store.cancel(leader.id, "ada")
    reconciler.recover()
    (heir,) = published
    assert {store.get(job.id).follows for job in followers if job.id != heir} == {heir}
    finished(files, claimed(store, store.get(heir)))
    reconciler.recover()
    for job in followers:
        if job.id != heir:
            has_the_result_of(store, files, job, store.get(heir))


def test_one_of_many_concurrent_jobs_leads(
    store: JobStore, sharing: Deduplicator, redis: Redis
) -> None:
    with ThreadPoolExecutor(16) as pool:
        jobs = list(pool.map(lambda _: made(sharing), range(32)))
    leaders = [job for job in jobs if job.follows is None]
    assert len(leaders) == 1 and {job.follows for job in jobs} == {None, leaders[0].id}


def test_canceling_or_deleting_a_follower_does_not_affect_the_leader(
    store: JobStore, sharing: Deduplicator, files: ArtifactStore, reconciler: Reconciler
) -> None:
    leader = made(sharing)
    lease = claimed(store, leader)
    canceled, forgotten, kept = made(sharing), made(sharing), made(sharing)
    assert store.cancel(canceled.id, "ada").status is Status.CANCELED
    store.forget(forgotten.id, "ada")
    finished(files, lease)
    reconciler.recover()
    assert store.get(canceled.id).status is Status.CANCELED
    assert files.keys(f"jobs/{forgotten.id}") == files.keys(f"jobs/{canceled.id}") == []
    has_the_result_of(store, files, kept, leader)


def test_a_job_that_does_not_share_still_leaves_its_result_to_others(
    store: JobStore,
    sharing: Deduplicator,
    files: ArtifactStore,
    reconciler: Reconciler,
    published: list[str],
) -> None:
    leader = made(sharing)
    lone = made(sharing, work=ALONE)
    follower = made(sharing)
    assert lone.follows is None and follower.follows == leader.id
    finished(files, claimed(store, lone))
    has_the_result_of(store, files, made(sharing), lone)
    again = made(sharing, work=ALONE)
    assert again.status is Status.QUEUED and again.follows is None
    wait_until(lambda: reconciler.recover() == [] and {leader.id, again.id} <= set(published))
    assert follower.id not in published


def test_a_follower_keeps_its_own_deadline(
    store: JobStore, sharing: Deduplicator, reconciler: Reconciler
) -> None:
    leader = made(sharing)
    follower = made(sharing, deadline_s=0.15)
    wait_until(lambda: reconciler.recover() or store.get(follower.id).status.final)
    error = store.get(follower.id).error
    assert error is not None and error.code == "deadline_exceeded"
    assert store.get(leader.id).status is Status.QUEUED


def test_a_result_is_taken_again_if_the_first_taker_dies(
    store: JobStore, sharing: Deduplicator, files: ArtifactStore, reconciler: Reconciler
) -> None:
    leader = made(sharing)
    follower = made(sharing)
    finished(files, claimed(store, leader))
    assert recovered(store, follower.id) == "take"
    assert reconciler.recover() == []  # not yet: somebody is about to take it
    wait_until(lambda: reconciler.recover() == [] and store.get(follower.id).status.final)
    has_the_result_of(store, files, follower, leader)


@pytest.mark.parametrize("wrong", ["file gone", "other weights", "no result"])
def test_a_job_is_computed_if_the_existing_result_is_unusable(
    store: JobStore,
    sharing: Deduplicator,
    files: ArtifactStore,
    reconciler: Reconciler,
    published: list[str],
    wrong: str,
) -> None:
    leader = made(sharing)
    lease = claimed(store, leader)
    follower = made(sharing)
    finished(
        files, lease, basis=BASIS | ({"weights": "sha256:x"} if wrong == "other weights" else {})
    )
    if wrong == "file gone":
        files.delete_folder(f"jobs/{leader.id}")
    if wrong == "no result":
        store.redis.hdel(redis_keys.job(leader.id), "result")
    fresh = made(sharing)
    assert fresh.status is Status.QUEUED and not fresh.cached and fresh.follows is None
    reconciler.recover()
    assert published == [follower.id]
    finished(files, claimed(store, fresh))
    has_the_result_of(store, files, made(sharing), fresh)


def test_copied_files_without_a_record_are_swept(
    store: JobStore,
    sharing: Deduplicator,
    files: ArtifactStore,
    reconciler: Reconciler,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    led(store, sharing, files)
    monkeypatch.setattr("jobs.deduplication.GRACE_MS", 300)

    create = store.create

    def dies(new: JobRequest, terms: CreateOptions, **more: Any) -> Job:
        if more:
            raise KeyboardInterrupt
        return create(new, terms)

    monkeypatch.setattr(store, "create", dies)
    with pytest.raises(KeyboardInterrupt):
        made(sharing)
    copied = [key for key in files.keys("jobs") if "/cached/" in key]
    assert copied and list(orphans(store, files)) == []
    wait_until(lambda: reconciler.sweep() or not files.keys(copied[0].rpartition("/")[0]))


def test_a_record_is_not_written_once_its_copied_files_may_be_swept(
    store: JobStore, redis: Redis
) -> None:
    new = JobRequest(owner="ada", technique="saliency", model="m", queue="fast", params={})
    keys, job_id = redis.dbsize(), new_job_id()
    with pytest.raises(TooLate):
        store.create(new, CreateOptions(work=WORK), job_id=job_id, result=["result", "{}"])
    assert redis.dbsize() == keys
    redis.zadd(redis_keys.EXPIRING, {f"job:{job_id}": 1})
    with pytest.raises(TooLate):
        store.create(new, CreateOptions(work=WORK), job_id=job_id, result=["result", "{}"])


@pytest.mark.parametrize("by_now", ["sha256:x", None])
def test_changed_weights_are_refused_before_anything_is_written(
    store: JobStore, sharing: Deduplicator, redis: Redis, by_now: str | None
) -> None:
    work = WorkKey(WORK.name, BASIS, model=redis_keys.weights("m"))
    redis.set(work.model, BASIS["weights"], ex=60)
    leader = made(sharing, work=work)
    assert made(sharing, work=work).follows == leader.id
    redis.set(work.model, by_now, ex=60) if by_now else redis.delete(work.model)
    keys = redis.dbsize()
    with pytest.raises(OtherWeights):
        made(sharing, work=work)
    assert redis.dbsize() == keys


def test_every_key_expires(
    store: JobStore, sharing: Deduplicator, files: ArtifactStore, reconciler: Reconciler
) -> None:
    leader = made(sharing)
    made(sharing), made(sharing)
    assert all(store.redis.ttl(key) > 0 for key in store.redis.scan_iter("*"))
    store.cancel(leader.id, "ada")
    reconciler.recover()
    assert store.redis.exists(f"{WORK.name}:followers")
    assert all(store.redis.ttl(key) > 0 for key in store.redis.scan_iter("*"))


def test_a_leader_that_lost_its_worker_is_still_followed(
    store: JobStore,
    sharing: Deduplicator,
    files: ArtifactStore,
    reconciler: Reconciler,
    published: list[str],
) -> None:
    leader = made(sharing)
    claimed(store, leader)
    follower = made(sharing)
    wait_until(reconciler.recover)
    assert published == [leader.id]
    store.redis.zadd(redis_keys.WAITING, {follower.id: 1})
    assert reconciler.recover() == []
    finished(files, claimed(store, leader))
    reconciler.recover()
    has_the_result_of(store, files, follower, leader)


def test_the_work_key_is_gone_when_its_last_job_is_deleted(
    store: JobStore, sharing: Deduplicator, files: ArtifactStore
) -> None:
    first = led(store, sharing, files)
    second = made(sharing)
    assert second.cached
    store.forget(first.id, "ada")
    store.forget(second.id, "ada")
    assert not store.redis.exists(WORK.name, f"{WORK.name}:followers")
