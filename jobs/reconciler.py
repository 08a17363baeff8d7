"""Puts right what a crash left: jobs without a message or a living worker, and what has expired.

Runs in every worker; the transitions are atomic, so that any number of them may run at once.
"""

import logging
import threading
import time
from collections.abc import Callable

from redis import RedisError

from jobs import redis_keys
from jobs.artifacts import ArtifactStore
from jobs.deduplication import Deduplicator
from jobs.errors import NotFound
from jobs.image_sets import ImageSetStore
from jobs.scratch import forget_scratch
from jobs.store import JobStore
from jobs.uploads import ArrayStore, ImageStore

log = logging.getLogger(__name__)

Publish = Callable[[str, str, bool], None]  # job id, queue, begun already
_BATCH = 100


class Reconciler:
    """Looks at what is due, every `interval` seconds, on a thread of its own."""

    def __init__(
        self, store: JobStore, artifacts: ArtifactStore, publish: Publish, interval: float = 1.0
    ) -> None:
        self._store = store
        self._artifacts = artifacts
        images = ImageStore(store.redis, artifacts, store.settings)
        self._forget = {
            "job": self._forget_job,
            "scratch": self._forget_scratch,
            "image": images.forget_expired,
            "array": ArrayStore(store.redis, artifacts, store.settings).forget_expired,
            "set": ImageSetStore(store.redis, artifacts, images, store.settings).forget_expired,
        }
        self._publish = publish
        self._sharing = Deduplicator(store, artifacts)
        self._interval = interval

    def start(self) -> None:
        threading.Thread(target=self._run, name="reconciler", daemon=True).start()

    def recover(self) -> list[str]:
        """Queue again what lost its lease or its message. Returns the ids that were published."""
        due = self._due(redis_keys.LEASED) + self._due(redis_keys.WAITING)
        return [job_id for job_id in due if _guarded(self._recover, job_id)]

    def sweep(self) -> None:
        """Delete jobs, images, arrays and image sets whose time is over, with their files."""
        for member in self._due(redis_keys.EXPIRING):
            kind, _, name = member.partition(":")
            if forget := self._forget.get(kind):  # a kind of a later version is left to its workers
                _guarded(forget, name)

    def _recover(self, job_id: str) -> bool:
        try:
            job = self._store.get(job_id)
        except NotFound:
            self._store.redis.zrem(redis_keys.LEASED, job_id)
            self._store.redis.zrem(redis_keys.WAITING, job_id)
            return False
        settings = self._store.settings
        grace = round(settings.publish_grace_s * 1000)
        answer = self._store.transition("recover", job_id, job.owner, grace, settings.max_attempts)
        if answer == "take" and not self._sharing.take(job):
            answer = self._store.transition(
                "recover", job_id, job.owner, grace, settings.max_attempts, "1"
            )
        if answer == "publish":
            log.info("queued again: %s", job_id)
            self._publish(job_id, job.queue, job.started_ms is not None)
        return answer == "publish"

    def _forget_job(self, job_id: str) -> None:
        try:
            owner = self._store.get(job_id).owner
        except NotFound:
            owner = ""
        if self._store.forget(job_id, owner, only_expired=True):
            self._artifacts.delete_folder(f"jobs/{job_id}")
            self._store.redis.zrem(redis_keys.EXPIRING, f"job:{job_id}")

    def _forget_scratch(self, job_id: str) -> None:
        """Checkpoints and previews that an ended job's record names no more."""
        forget_scratch(self._store, self._artifacts, job_id)
        self._store.redis.zrem(redis_keys.EXPIRING, f"scratch:{job_id}")

    def _due(self, key: str) -> list[str]:
        seconds, micros = self._store.redis.time()
        now = seconds * 1000 + micros // 1000
        due: list[str] = self._store.redis.zrangebyscore(key, 0, now, start=0, num=_BATCH)  # type: ignore[assignment]
        return due

    def _run(self) -> None:
        while True:
            time.sleep(self._interval)
            try:
                self.recover()
                self.sweep()
            except RedisError as error:
                log.warning("reconciler waits: %s", type(error).__name__)


def _guarded(step: Callable[[str], object], name: str) -> object:
    """One bad item must not keep the others waiting; it is due again the next time."""
    try:
        return step(name)
    except Exception:
        log.exception("reconciler: %s", name)
        return None
