"""Scratch files of an unfinished run: its checkpoints and previews.

A new file is stored under a new name, then the record names it by a fenced transition, then the old
file is deleted. Whatever dies between two of these steps, the record names a complete file. Files
that no record names are deleted when the job ends.
"""

import logging
import secrets

from obstore.exceptions import BaseError as ObjectStoreError

from jobs.artifacts import ArtifactStore
from jobs.errors import LeaseLost, NotFound
from jobs.lease import Lease
from jobs.model import Job, ScratchFile
from jobs.store import JobStore

log = logging.getLogger(__name__)

_KINDS = ("checkpoint", "preview")


class Scratch:
    """The scratch files of one kind (`preview` or `checkpoint`) that one attempt writes."""

    def __init__(self, lease: Lease, files: ArtifactStore, kind: str) -> None:
        self._lease = lease
        self._files = files
        self._kind = kind
        current = _named(lease.job, kind)
        self._key = current.key if current else ""

    def replace(self, data: bytes, step: int = 0, event: str = "") -> None:
        """Replace the current file. Raises LeaseLost, RedisError or ObjectStoreError."""
        job = self._lease.job
        key = f"{_folder(job.id, self._kind)}/{job.attempts}-{secrets.token_hex(8)}"
        self._files.put(key, data)
        try:
            previous = self._lease.swap(self._kind, ScratchFile(key=key, step=step), event)
        except LeaseLost:
            self._discard(key)
            raise
        self._key = key
        if previous:
            self._discard(previous)

    def read(self) -> bytes | None:
        """Return the current file, of this attempt or an earlier one, or None."""
        if not self._key:
            return None
        try:
            return self._files.get(self._key)
        except NotFound:
            log.error("job %s: its %s is missing", self._lease.job.id, self._kind)
            return None

    def _discard(self, key: str) -> None:
        try:
            self._files.delete(key)
        except ObjectStoreError as error:
            log.warning("could not delete %s until its job ends: %s", key, type(error).__name__)


def delete_scratch(store: JobStore, files: ArtifactStore, job_id: str) -> None:
    """Delete the scratch files that the record of an ended or deleted job no longer names."""
    job = _find(store, job_id)
    if job is not None and not job.status.final:
        return
    for kind in _KINDS:
        if job is None or _named(job, kind) is None:
            files.delete_folder(_folder(job_id, kind))


def _named(job: Job, kind: str) -> ScratchFile | None:
    return job.checkpoint if kind == "checkpoint" else job.preview


def _folder(job_id: str, kind: str) -> str:
    return f"jobs/{job_id}/{kind}s"


def _find(store: JobStore, job_id: str) -> Job | None:
    try:
        return store.get(job_id)
    except NotFound:
        return None
