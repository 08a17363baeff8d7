"""The audit finds every orphan and every missing file, and takes no file in use for an orphan."""

import hashlib
import os
from pathlib import Path

import pytest
from redis import Redis

from jobs.artifacts import ArtifactStore
from jobs.audit import missing, orphans
from jobs.image_sets import ImageSetStore
from jobs.lease import Lease
from jobs.model import Artifact, Job
from jobs.orphan_sweep import OrphanSweep
from jobs.scratch import Scratch
from jobs.settings import Settings
from jobs.store import JobStore
from jobs.uploads import GRACE_MS, ImageFacts, ImageStore
from tests.jobs.test_transitions import claimed, new_job

FACTS = ImageFacts(width=9, height=9, media_type="image/png")


@pytest.fixture
def files(settings: Settings) -> ArtifactStore:
    return ArtifactStore(settings.artifacts_location)


def test_a_redis_without_an_earlier_sweep_deletes_nothing(
    store: JobStore, files: ArtifactStore, settings: Settings
) -> None:
    """Such a Redis knows of no file. It may be the wrong one, or one that is restored later."""
    key = "jobs/0123456789abcdef0123456789abcdef/1-a/a.png"
    files.put(key, b"png")
    old = Path(settings.artifacts_location.removeprefix("file://")) / key
    os.utime(old, (0, 0))
    sweep = OrphanSweep(store, files)
    assert sweep.sweep() == 0 and old.exists()
    store.redis.delete("retinoscope:swept")
    store.redis.decrby("retinoscope:first-swept", round(settings.orphan_grace_s) + 1)
    assert sweep.sweep() == 1 and not old.exists()


@pytest.fixture
def sweep(store: JobStore, files: ArtifactStore, settings: Settings, redis: Redis) -> OrphanSweep:
    return OrphanSweep(JobStore(redis, settings.model_copy(update={"orphan_grace_s": 0})), files)


def saved(files: ArtifactStore, lease: Lease, name: str = "a.png") -> Artifact:
    key = f"{lease.folder}/{name}"
    files.put(key, b"png")
    return Artifact(name=name, media_type="image/png", bytes=3, sha256="sha256:0", key=key)


def succeeded(store: JobStore, files: ArtifactStore) -> tuple[Job, Lease]:
    job = new_job(store)
    lease = claimed(store, job)
    lease.succeed({}, [saved(files, lease)], {})
    return job, lease


def lively(redis: Redis, store: JobStore, files: ArtifactStore, settings: Settings) -> None:
    """Store one of everything: results, work in progress, an image in a set, and a set's file."""
    succeeded(store, files)
    lease = claimed(store, new_job(store))
    saved(files, lease)
    Scratch(lease, files, "checkpoint").replace(b"state")
    failed = claimed(store, new_job(store))
    Scratch(failed, files, "preview").replace(b"webp")
    failed.cancel()
    images = ImageStore(redis, files, settings)
    image = images.put("ada", b"pixels", FACTS)
    sets = ImageSetStore(redis, files, images, settings)
    made = sets.create("ada", "")
    sets.add("ada", made.id, [image.id])
    sets.keep("ada", made.id, "index/a", b"index")


def test_no_file_in_use_is_an_orphan_or_missing(
    redis: Redis, store: JobStore, files: ArtifactStore, settings: Settings, sweep: OrphanSweep
) -> None:
    lively(redis, store, files, settings)
    before = files.keys("")
    assert len(before) == 6
    assert list(orphans(store, files)) == [] and missing(store, files) == {}
    assert sweep.sweep() == 0 and files.keys("") == before


def test_files_of_a_zombie_worker_are_found_and_deleted(
    redis: Redis, store: JobStore, files: ArtifactStore, settings: Settings, sweep: OrphanSweep
) -> None:
    lively(redis, store, files, settings)
    before = set(files.keys(""))
    _, lease = succeeded(store, files)
    alive = {*files.keys("")}
    other = {
        saved(files, lease, "late.png").key,
        f"jobs/{'0' * 32}/1-abc/deleted.png",
        f"jobs/{lease.job.id}/checkpoints/1-late",
        f"images/ada/{hashlib.sha256(b'no record').hexdigest()}",
        f"sets/ada/{'0' * 32}/index/deleted",
    }
    for key in other:
        files.put(key, b"late")
    assert set(orphans(store, files)) == other
    assert list(orphans(store, files, older_than_s=60)) == []
    assert sweep.sweep() == len(other)
    assert set(files.keys("")) == alive >= before


def test_an_expected_upload_is_not_an_orphan(
    redis: Redis, store: JobStore, files: ArtifactStore, settings: Settings
) -> None:
    """Bytes are announced first, then stored, and only then recorded."""
    image = ImageStore(redis, files, settings).put("ada", b"pixels", FACTS)
    digest = image.id.removeprefix("sha256:")
    redis.delete(f"retinoscope:owner:ada:image:{digest}")
    assert list(orphans(store, files)) == []
    redis.zincrby(
        "retinoscope:expiring", -settings.job_ttl_s * 1000 - 2 * GRACE_MS, f"image:ada:{digest}"
    )
    assert list(orphans(store, files)) == [f"images/ada/{digest}"]


def test_only_one_sweep_runs_at_a_time(
    redis: Redis, files: ArtifactStore, sweep: OrphanSweep
) -> None:
    files.put(f"jobs/{'0' * 32}/1-abc/a.png", b"late")
    redis.set("retinoscope:swept", "1", px=60_000)
    assert sweep.sweep() == 0 and files.keys("jobs/")
    redis.delete("retinoscope:swept")
    assert sweep.sweep() == 1 and not files.keys("jobs/")
    assert redis.pttl("retinoscope:swept") > 0


def test_a_partly_written_file_is_deleted(
    settings: Settings, files: ArtifactStore, sweep: OrphanSweep
) -> None:
    files.put("jobs/whole", b"whole")
    folder = settings.data / "artifacts" / "jobs"
    (folder / "a.png#1").write_bytes(b"ha")
    assert sweep.sweep() == 2  # with the whole one, which no record knows
    assert [path for path in Path(settings.data).rglob("*") if path.is_file()] == []


def test_a_record_whose_file_is_missing_is_reported(store: JobStore, files: ArtifactStore) -> None:
    job, lease = succeeded(store, files)
    succeeded(store, files)
    files.delete_folder(lease.folder)
    assert missing(store, files) == {job.id: [f"{lease.folder}/a.png"]}
