"""Repairs what a crash left behind: jobs without a message or a living worker, and expired data.

It runs beside every worker. Transitions are atomic, so any number of reconcilers may run at once.
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
from jobs.log_context import extra, job_fields, unit
from jobs.model import Job, Status
from jobs.outage import Outage
from jobs.scratch import delete_scratch
from jobs.store import JobStore
from jobs.transitions import FAILURES, Answer
from jobs.uploads import ArrayStore, ImageStore

log = logging.getLogger(__name__)

# Publishes a job, given its id, its queue, and whether it has begun already.
Publish = Callable[[str, str, bool], None]


class Reconciler:
    """A thread that handles what is due, every `interval_s` seconds."""

    def __init__(
        self, store: JobStore, artifacts: ArtifactStore, publish: Publish, interval_s: float = 1.0
    ) -> None:
        self._store = store
        self._artifacts = artifacts
        self._publish = publish
        self._deduplicator = Deduplicator(store, artifacts)
        self._interval_s = interval_s
        self._outage = Outage("the reconciler", log)
        images = ImageStore(store.redis, artifacts, store.settings)
        arrays = ArrayStore(store.redis, artifacts, store.settings)
        image_sets = ImageSetStore(store.redis, artifacts, images, store.settings)
        self._delete_expired = {
            "job": self._delete_expired_job,
            "scratch": self._delete_expired_scratch,
            "image": images.delete_expired,
            "array": arrays.delete_expired,
            "set": image_sets.delete_expired,
        }

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, name="reconciler", daemon=True).start()

    def recover(self) -> list[str]:
        """Queue jobs again that lost their lease or message. Return the ids that were published."""
        due = self._store.due(redis_keys.LEASED) + self._store.due(redis_keys.WAITING)
        return [job_id for job_id in due if _guarded(self._recover, job_id)]

    def sweep(self) -> None:
        """Delete expired jobs, images, arrays and image sets with their files."""
        for member in self._store.due(redis_keys.EXPIRING):
            kind, _, name = member.partition(":")
            # A kind that a later version has added is left to that version.
            if delete := self._delete_expired.get(kind):
                _guarded(delete, name)

    def _recover(self, job_id: str) -> bool:
        try:
            job = self._store.get(job_id)
        except NotFound:
            self._store.redis.zrem(redis_keys.LEASED, job_id)
            self._store.redis.zrem(redis_keys.WAITING, job_id)
            return False
        with unit(**job_fields(job)):
            return self._recover_job(job)

    def _recover_job(self, job: Job) -> bool:
        answer = self._next_step(job)
        if answer is Answer.TAKE and not self._deduplicator.take(job):
            answer = self._next_step(job, no_result=True)
        if answer in FAILURES:
            log.error("job %s failed: %s", job.id, answer, extra=extra(code=answer))
        if answer is not Answer.PUBLISH:
            return False
        if job.status is Status.RUNNING:
            log.warning("job %s: its worker %s is gone, queued again", job.id, job.worker)
        else:
            log.info("job %s: published again", job.id)
        self._publish(job.id, job.queue, job.started_ms is not None)
        return True

    def _next_step(self, job: Job, no_result: bool = False) -> Answer:
        settings = self._store.settings
        return self._store.transitions.run(
            "recover",
            job.id,
            grace_ms=settings.publish_grace_ms,
            max_attempts=settings.max_attempts,
            no_result=no_result,
        )

    def _delete_expired_job(self, job_id: str) -> None:
        if self._store.forget(job_id, only_expired=True):
            self._artifacts.delete_folder(f"jobs/{job_id}")
            self._store.redis.zrem(redis_keys.EXPIRING, redis_keys.expiring_job(job_id))

    def _delete_expired_scratch(self, job_id: str) -> None:
        delete_scratch(self._store, self._artifacts, job_id)
        self._store.redis.zrem(redis_keys.EXPIRING, redis_keys.expiring_scratch(job_id))

    def _run(self) -> None:
        while True:
            time.sleep(self._interval_s)
            try:
                self.recover()
                self.sweep()
                self._outage.succeeded()
            except RedisError as error:
                self._outage.failed(error)


def _guarded(step: Callable[[str], object], name: str) -> object:
    """Run a step and log its failure, so that other items do not wait. The item stays due."""
    try:
        return step(name)
    except Exception:
        log.exception("could not reconcile %s", name)
        return None
