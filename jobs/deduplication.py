"""Identical work is done once: a job takes the result of another one, files and all, or waits for it.

Every job stays its own, with its own record, files and expiry: what becomes of one never touches another.
"""

import json
import logging
from dataclasses import replace

from obstore.exceptions import BaseError as ObjectStoreError

from jobs import redis_keys
from jobs.artifacts import ArtifactStore
from jobs.create_options import CreateOptions, WorkKey
from jobs.errors import NotFound, ResultThere, TooSlow
from jobs.job_request import JobRequest
from jobs.model import Job
from jobs.script_runner import Scripts
from jobs.store import JobStore, new_job_id
from jobs.uploads import GRACE_MS

log = logging.getLogger(__name__)


class Deduplicator:
    """Makes jobs that share, and gives followers what they waited for."""

    def __init__(self, store: JobStore, files: ArtifactStore) -> None:
        self._store = store
        self._files = files
        self._run = Scripts(store.redis)

    def create(self, request: JobRequest, options: CreateOptions) -> Job:
        """A job that has a result already, follows another, or is queued. Raises what JobStore.create raises."""
        while True:
            try:
                return self._store.create(request, options)
            except ResultThere as there:
                done, work = str(there), options.work or WorkKey("")
            if job := self._create_cached(request, options, work.basis, done):
                return job
            options = replace(options, work=replace(work, unusable=done))

    def take(self, job: Job) -> bool:
        """Give a follower the result that it waited for. False if there is none that it can use."""
        done = self._store.redis.hget(job.work or "", "done")
        result = self._borrowed(job.id, job.owner, str(done), job.basis) if done else None
        if result is None:
            return False
        if self._store.transition("take", job.id, job.owner, *result) == "gone":
            self._files.delete_folder(f"jobs/{job.id}")
        return True

    def _create_cached(
        self, request: JobRequest, options: CreateOptions, basis: dict[str, str], done: str
    ) -> Job | None:
        job_id = new_job_id()
        # First the note that files will come: without a record they would stay for ever.
        self._run("job_expect", [redis_keys.EXPIRING], f"job:{job_id}", GRACE_MS)
        result = self._borrowed(job_id, request.owner, done, basis)
        if result is None:
            return None
        try:
            return self._store.create(request, options, job_id=job_id, result=result)
        except TooSlow:
            return None

    def _borrowed(
        self, job_id: str, owner: str, done: str, basis: dict[str, str]
    ) -> list[str] | None:
        """Fields and values of the result of job `done`, its files copied for `job_id`; None if it is of no use."""
        try:
            source = self._store.get(done, owner)
            if source.result is None or not source.provenance.items() >= basis.items():
                return None
            artifacts = [artifact.stored() for artifact in source.result.artifacts]
            for artifact in artifacts:
                key = f"jobs/{job_id}/cached/{artifact['name']}"
                self._files.copy(artifact["key"], key)
                artifact["key"] = key
        except NotFound:
            return None
        except ObjectStoreError as error:
            log.warning(
                "job %s: the result of %s is not copied: %s", job_id, done, type(error).__name__
            )
            return None
        result = {"summary": source.result.summary, "artifacts": artifacts}
        fields = ["params", json.dumps(source.params), "provenance", json.dumps(source.provenance)]
        if source.progress:
            fields += ["progress", source.progress.model_dump_json()]
        return [*fields, "result", json.dumps(result)]
