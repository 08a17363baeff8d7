"""Deduplication: identical jobs are computed once, and the others take or await the result.

Each job keeps its own record, files and expiry. Whatever happens to one job never affects another.
"""

import json
import logging
from dataclasses import replace

from obstore.exceptions import BaseError as ObjectStoreError

from jobs import redis_keys
from jobs.artifacts import ArtifactStore
from jobs.create_options import CreateOptions, WorkKey
from jobs.errors import NotFound, ResultExists, TooLate
from jobs.job_request import JobRequest
from jobs.log_context import extra
from jobs.model import Job
from jobs.script_runner import ScriptRunner
from jobs.store import JobStore, new_job_id
from jobs.transitions import FAILURES, Answer
from jobs.uploads import GRACE_MS

log = logging.getLogger(__name__)


class Deduplicator:
    """Creates jobs that share results, and gives followers the results that they wait for."""

    def __init__(self, store: JobStore, files: ArtifactStore) -> None:
        self._store = store
        self._files = files
        self._scripts = ScriptRunner(store.redis)

    def create(self, request: JobRequest, options: CreateOptions) -> Job:
        """Create a job that has a result already, follows an identical job, or is queued.

        Raises what JobStore.create raises, except ResultExists and TooLate.
        """
        while True:
            try:
                return self._store.create(request, options)
            except ResultExists as error:
                source_id, work = str(error), options.work or WorkKey("")
            if job := self._create_cached(request, options, work.basis, source_id):
                return job
            options = replace(options, work=replace(work, unusable=source_id))

    def take(self, job: Job) -> bool:
        """Give a follower the result that it waits for. Return False if none is usable."""
        source_id = self._store.redis.hget(job.work or "", "done")
        if not source_id:
            return False
        result = self._copy_result(str(source_id), job.id, job.owner, job.basis)
        if result is None:
            return False
        answer = self._store.transitions.run("take", job.id, fields=result)
        if answer in FAILURES:
            log.error("job %s failed: %s", job.id, answer, extra=extra(code=answer))
        if answer is Answer.GONE:
            self._files.delete_folder(f"jobs/{job.id}")
        return True

    def _create_cached(
        self, request: JobRequest, options: CreateOptions, basis: dict[str, str], source_id: str
    ) -> Job | None:
        """Create a job with the result of another one. Return None if that result is unusable."""
        job_id = new_job_id()
        # The files are announced before they exist, so that the sweep finds them if no record
        # follows.
        self._scripts.run(
            "job_expect",
            [redis_keys.EXPIRING],
            member=redis_keys.expiring_job(job_id),
            grace_ms=GRACE_MS,
        )
        result = self._copy_result(source_id, job_id, request.owner, basis)
        if result is None:
            return None
        try:
            return self._store.create(request, options, job_id=job_id, result=result)
        except TooLate:
            return None

    def _copy_result(
        self, source_id: str, job_id: str, owner: str, basis: dict[str, str]
    ) -> list[str] | None:
        """Copy a job's files for `job_id` and return names and values of the record with a result.

        Returns None if the job's provenance does not contain `basis`, or if it has no result or
        its files are gone.
        """
        try:
            source = self._store.get(source_id, owner)
            if source.result is None or not source.provenance.items() >= basis.items():
                return None
            artifacts = [artifact.to_record() for artifact in source.result.artifacts]
            for artifact in artifacts:
                key = f"jobs/{job_id}/cached/{artifact['name']}"
                self._files.copy(artifact["key"], key)
                artifact["key"] = key
        except NotFound:
            return None
        except ObjectStoreError as error:
            cause = type(error).__name__
            log.warning("job %s: could not copy the result of %s: %s", job_id, source_id, cause)
            return None
        result = {"summary": source.result.summary, "artifacts": artifacts}
        fields = ["params", json.dumps(source.params), "provenance", json.dumps(source.provenance)]
        if source.progress:
            fields += ["progress", source.progress.model_dump_json()]
        return [*fields, "result", json.dumps(result)]
