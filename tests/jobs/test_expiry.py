"""Records, events, inputs, files, previews and checkpoints expire together."""

import time

from redis import Redis

from jobs import redis_keys
from jobs.artifacts import ArtifactStore
from jobs.audit import missing, orphans
from jobs.image_sets import ImageSetStore
from jobs.model import JobError
from jobs.reconciler import Reconciler
from jobs.scratch import Scratch
from jobs.settings import Settings
from jobs.store import JobStore
from jobs.uploads import GRACE_MS, ArrayFacts, ArrayStore, ImageFacts, ImageStore
from tests.jobs.test_audit import saved
from tests.jobs.test_transitions import claimed, new_job
from tests.wait import wait_until

# Of all jobs together: they expire a day after the last job.
SHARED = {
    redis_keys.COUNTERS,
    redis_keys.STATISTICS,
    redis_keys.fair_clock("fast"),
    redis_keys.fair_debts("fast"),
}


def fill(redis: Redis, files: ArtifactStore, settings: Settings) -> None:
    """Create jobs that end in every way, with scratch files, and one upload of each kind."""
    store = JobStore(redis, settings)
    for end in ("succeed", "fail", "cancel", "canceled while it waits"):
        job = new_job(store)
        if end == "canceled while it waits":
            store.cancel(job.id, "local")
            continue
        lease = claimed(store, job)
        Scratch(lease, files, "checkpoint").replace(b"state")
        Scratch(lease, files, "preview").replace(b"webp")
        artifact = saved(files, lease)
        if end == "succeed":
            lease.succeed({}, [artifact], {})
        elif end == "fail":
            lease.fail(JobError(code="internal_error", title="", detail=""))
        else:
            lease.cancel()
    images = ImageStore(redis, files, settings)
    image = images.put("ada", b"pixels", ImageFacts(width=9, height=9, media_type="image/png"))
    images.put("ada", b"in no set", ImageFacts(width=9, height=9, media_type="image/png"))
    ArrayStore(redis, files, settings).put(
        "ada", b"numbers", ArrayFacts(shape=[7], dtype="float32")
    )
    sets = ImageSetStore(redis, files, images, settings)
    made = sets.create("ada", "")
    sets.add("ada", made.id, [image.id])
    sets.keep("ada", made.id, "index/a", b"index")


def test_no_key_and_no_file_is_left_after_expiry(redis: Redis, settings: Settings) -> None:
    brief = settings.model_copy(update={"job_ttl_s": 1})
    store, files = JobStore(redis, brief), ArtifactStore(settings.artifacts_location)
    reconciler = Reconciler(store, files, lambda *_: None)
    fill(redis, files, brief)
    reconciler.sweep()
    assert missing(store, files) == {}
    assert all(redis.pttl(key) > 0 for key in redis.scan_iter("*"))
    time.sleep(1.2)  # a life, and the slack of a set
    for member in redis.zrange("retinoscope:expiring", 0, -1):
        redis.zincrby("retinoscope:expiring", -GRACE_MS, member)
    wait_until(lambda: reconciler.sweep() or not files.keys(""), 10)
    left = {key for key in redis.scan_iter("*") if ":usage:" not in key}
    assert left <= SHARED
    assert all(redis.pttl(key) > 0 for key in redis.scan_iter("*"))
    assert not any(path.is_file() for path in settings.data.rglob("*"))
    assert list(orphans(store, files)) == []
