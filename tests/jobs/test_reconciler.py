"""The reconciler repairs what a crash leaves, once, and deletes expired data with its files."""

import time

import pytest
from redis import Redis

from jobs.artifacts import ArtifactStore
from jobs.errors import NotFound
from jobs.lease import claim
from jobs.model import Status
from jobs.reconciler import Reconciler
from jobs.settings import Settings
from jobs.store import JobStore
from jobs.uploads import ArrayFacts, ArrayStore, ImageFacts, ImageStore
from tests.jobs.test_transitions import claimed, new_job
from tests.wait import wait_until

Published = list[tuple[str, str, bool]]


@pytest.fixture
def files(settings: Settings) -> ArtifactStore:
    return ArtifactStore(settings.artifacts_location)


@pytest.fixture
def published() -> Published:
    return []


@pytest.fixture
def reconciler(store: JobStore, files: ArtifactStore, published: Published) -> Reconciler:
    return Reconciler(store, files, lambda *sent: published.append(sent))


def test_a_job_whose_message_was_never_sent_is_published(
    store: JobStore, reconciler: Reconciler, published: Published
) -> None:
    job = new_job(store)
    assert reconciler.recover() == []
    wait_until(reconciler.recover)
    assert published == [(job.id, "fast", False)]
    assert store.get(job.id).attempts == 0


def test_a_waiting_job_is_published_less_and_less_often(
    store: JobStore, reconciler: Reconciler, published: Published, settings: Settings
) -> None:
    new_job(store)
    end = time.monotonic() + settings.publish_grace_s * 8
    while time.monotonic() < end:
        reconciler.recover()
        time.sleep(0.02)
    assert 1 <= len(published) <= 3


def test_a_job_whose_worker_died_is_queued_again_once(
    store: JobStore, reconciler: Reconciler, published: Published
) -> None:
    job = new_job(store)
    claimed(store, job)
    wait_until(reconciler.recover)
    assert store.get(job.id).status is Status.QUEUED
    assert reconciler.recover() == []
    assert published == [(job.id, "fast", True)]
    claimed(store, job).succeed({}, [], {})
    assert store.get(job.id).attempts == 2


def test_a_job_with_a_living_worker_is_left_alone(
    store: JobStore, reconciler: Reconciler, settings: Settings
) -> None:
    job = new_job(store)
    with claimed(store, job):
        time.sleep(settings.lease_s * 1.5)
        assert reconciler.recover() == []
    assert store.get(job.id).status is Status.RUNNING


def test_a_job_that_kills_its_workers_ends_as_poisoned(
    store: JobStore, reconciler: Reconciler
) -> None:
    job = new_job(store)
    for _ in range(store.settings.max_attempts):
        wait_until(lambda: claim(store, job.id))
    wait_until(lambda: reconciler.recover() or store.get(job.id).status.final)
    ended = store.get(job.id)
    assert ended.status is Status.FAILED and ended.attempts == store.settings.max_attempts
    assert ended.error is not None and ended.error.code == "poisoned" and not ended.error.retryable


def test_a_canceled_job_whose_worker_died_ends_as_canceled(
    store: JobStore, reconciler: Reconciler
) -> None:
    job = new_job(store)
    claimed(store, job)
    store.cancel(job.id, "local")
    wait_until(lambda: reconciler.recover() or store.get(job.id).status.final)
    assert store.get(job.id).status is Status.CANCELED


def test_an_expired_job_is_deleted_with_its_files(
    redis: Redis, settings: Settings, files: ArtifactStore, reconciler: Reconciler
) -> None:
    brief = JobStore(redis, settings.model_copy(update={"job_ttl_s": 0.2}))
    job = new_job(brief)
    lease = claimed(brief, job)
    files.put(f"{lease.folder}/a.txt", b"a")
    lease.succeed({}, [], {})
    wait_until(lambda: reconciler.sweep() or not files.keys(f"jobs/{job.id}"))
    with pytest.raises(NotFound):
        brief.get(job.id)
    assert not [key for key in redis.scan_iter("*") if job.id in key]


def test_a_job_that_waits_longer_than_its_lifetime_is_kept(
    redis: Redis, settings: Settings, reconciler: Reconciler
) -> None:
    brief = JobStore(redis, settings.model_copy(update={"job_ttl_s": 0.1}))
    job = new_job(brief)
    time.sleep(0.2)
    reconciler.sweep()
    assert brief.get(job.id).status is Status.QUEUED


def test_an_image_lives_as_long_as_it_is_used(
    redis: Redis, settings: Settings, files: ArtifactStore, reconciler: Reconciler
) -> None:
    images = ImageStore(redis, files, settings)
    image = images.put("ada", b"pixels", ImageFacts(width=9, height=9, media_type="image/png"))
    assert images.read("ada", image.id) == b"pixels"
    for wrong in (
        lambda: images.get("bob", image.id),
        lambda: images.get("ada", "sha256:../../etc"),
    ):
        with pytest.raises(NotFound):
            wrong()
    redis.zadd("retinoscope:expiring", {f"image:ada:{image.id.removeprefix('sha256:')}": 1})
    reconciler.sweep()
    assert images.read("ada", image.id) == b"pixels"
    redis.delete(f"retinoscope:owner:ada:image:{image.id.removeprefix('sha256:')}")
    reconciler.sweep()
    assert files.keys("images/") == []


def test_an_array_expires_like_an_image_and_is_never_taken_for_one(
    redis: Redis, settings: Settings, files: ArtifactStore, reconciler: Reconciler
) -> None:
    arrays, images = ArrayStore(redis, files, settings), ImageStore(redis, files, settings)
    array = arrays.put("ada", b"numbers", ArrayFacts(shape=[7], dtype="float32"))
    assert (
        arrays.get("ada", array.id)
        == array
        == arrays.use("ada", array.id).model_copy(update={"expires_ms": array.expires_ms})
    )
    for wrong in (
        lambda: images.get("ada", array.id),
        lambda: images.use("ada", array.id),
        lambda: arrays.get("bob", array.id),
    ):
        with pytest.raises(NotFound):
            wrong()
    digest = array.id.removeprefix("sha256:")
    redis.zadd("retinoscope:expiring", {f"array:ada:{digest}": 1})
    reconciler.sweep()
    assert arrays.read("ada", array.id) == b"numbers"
    redis.delete(f"retinoscope:owner:ada:array:{digest}")
    reconciler.sweep()
    assert files.keys("arrays/") == []
    assert redis.zscore("retinoscope:expiring", f"array:ada:{digest}") is None
