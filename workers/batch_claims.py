"""Claims of waiting jobs that can run in one batch with the job that a worker has just claimed."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from math import prod

from pydantic import ValidationError
from redis import RedisError

from jobs.cancel_listener import CancelListener
from jobs.errors import NotFound
from jobs.lease import Lease, claim
from jobs.model import InputImage, Job, Status
from jobs.store import JobStore

log = logging.getLogger(__name__)

# In a larger batch each job waits longer, and the batch is hardly any faster.
MAX_BATCH = 8
_SEARCH_DEPTH = 32
# Of all images of a batch: each is decoded, rendered and compressed at the same time.
MAX_PIXELS = 16_000_000


class BatchClaims:
    """Claims one job, then others of the same owner, technique, model and queue.

    Jobs of different owners never share a batch, so that no owner's result can depend on another.
    """

    def __init__(self, store: JobStore, cancels: CancelListener, worker: str) -> None:
        self._store = store
        self._cancels = cancels
        self._worker = worker

    def claim_next(self, job_id: str, queue: str, held: ExitStack) -> Lease | None:
        """Return the lease of a job of that queue, by fair share, which `held` ends.

        `job_id` is the job that a message names. Return None if there is nothing to run.
        """
        while picked := self._store.pick(job_id, queue):
            if lease := self.claim_first(picked, held):
                return lease
            if picked == job_id:
                break
        return None

    def claim_first(self, job_id: str, held: ExitStack) -> Lease | None:
        """Return the job's lease, which `held` ends. Return None if there is nothing to run."""
        cancel_event = held.enter_context(self._cancels.watch(job_id))
        try:
            lease = claim(self._store, job_id, cancel_event, self._worker)
        except NotFound:
            return None
        return held.enter_context(lease) if lease else None

    def claim_batch(self, first: Job, held: ExitStack) -> list[Lease]:
        """Return leases of jobs to run with `first`, longest waiting first, which `held` ends.

        The list is empty if `first` must run alone. A job that may have crashed a worker is retried
        alone, so that it cannot crash others.
        """
        leases: list[Lease] = []
        if not first.batchable or first.attempts > 1 or self._store.settings.max_attempts == 1:
            return leases
        try:
            for job in self._candidates(first):
                if lease := self.claim_first(job.id, held):
                    leases.append(lease)
        # A ValidationError comes from a record that another version wrote.
        except (RedisError, ValidationError) as error:
            log.warning("no more jobs for this batch: %s", type(error).__name__)
        return leases

    def _candidates(self, first: Job) -> Iterator[Job]:
        pixels, taken = _pixels(first), 1
        for job in self._store.ready(first.owner, first.queue, _SEARCH_DEPTH):
            if taken == MAX_BATCH or not _fits(first, job):
                continue
            pixels += _pixels(job)
            if pixels > MAX_PIXELS:
                return
            taken += 1
            yield job


def _fits(first: Job, job: Job) -> bool:
    same = (job.technique, job.model) == (first.technique, first.model)
    waiting = job.status is Status.QUEUED and not job.attempts and not job.follows
    return same and job.batchable and waiting


def _pixels(job: Job) -> int:
    sizes = [
        stored.width * stored.height if isinstance(stored, InputImage) else prod(stored.shape) // 3
        for stored in job.inputs.values()
    ]
    return sum(sizes)
