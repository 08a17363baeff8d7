"""Waiting jobs that can run in one batch with the job that a worker has just taken."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack

from pydantic import ValidationError
from redis import RedisError

from jobs.cancel_listener import CancelListener
from jobs.errors import NotFound
from jobs.lease import Lease, claim
from jobs.model import InputImage, Job, Status
from jobs.store import JobStore

log = logging.getLogger(__name__)

MOST = 8  # with more, others wait longer, and a batch is hardly any faster
_LOOK_AT = 32
_MOST_PIXELS = 16_000_000  # of all their photographs: each is held, coloured and compressed at once


class BatchClaims:
    def __init__(self, store: JobStore, cancels: CancelListener) -> None:
        self._store = store
        self._cancels = cancels

    def take(self, first: Job, held: ExitStack) -> list[Lease]:
        """Leases of those that wait longest, held as long as `held`; none where `first` is to run alone.

        Only jobs that no worker has died with: who ends a worker takes nobody along a second time.
        """
        leases: list[Lease] = []
        if not first.batchable or first.attempts > 1 or self._store.settings.max_attempts == 1:
            return leases
        try:
            for job in self._chosen(first):
                if lease := self.claimed(job.id, held):
                    leases.append(lease)
        except (RedisError, ValidationError) as error:  # the second: a record of another version
            log.warning("no more mates: %s", type(error).__name__)
        return leases

    def _chosen(self, first: Job) -> Iterator[Job]:
        pixels, taken = _pixels(first), 1
        for job in self._store.waiting(_LOOK_AT):
            if taken == MOST or not _together(first, job):
                continue
            pixels += _pixels(job)
            if pixels > _MOST_PIXELS:
                return
            taken += 1
            yield job

    def claimed(self, job_id: str, held: ExitStack) -> Lease | None:
        """The job's lease, held as long as `held`; None if there is nothing to do."""
        cancel_event = held.enter_context(self._cancels.watch(job_id))
        try:
            lease = claim(self._store, job_id, cancel_event)
        except NotFound:
            return None
        return held.enter_context(lease) if lease else None


def _together(first: Job, job: Job) -> bool:
    same = (job.technique, job.model, job.queue) == (first.technique, first.model, first.queue)
    return (
        same
        and job.batchable
        and job.status is Status.QUEUED
        and not job.attempts
        and not job.follows
    )


def _pixels(job: Job) -> int:
    return sum(
        found.width * found.height for found in job.inputs.values() if isinstance(found, InputImage)
    )
