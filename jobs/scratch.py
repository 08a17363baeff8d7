"""Files that only an unfinished run needs: its checkpoints and previews, in folders of the job, each under a new name.

A new file is stored first, then the record names it by a fenced transition, then the old one is deleted: whatever dies
between two of these steps, the record names whole bytes, and what it does not name goes when the job ends.
"""

import logging
import secrets

from obstore.exceptions import BaseError as ObjectStoreError

from jobs.artifacts import ArtifactStore
from jobs.errors import LeaseLost, NotFound
from jobs.lease import Lease
from jobs.model import Job, Stored
from jobs.store import JobStore

log = logging.getLogger(__name__)


class Scratch:
    """One kind of file of one attempt: `preview` or `checkpoint`."""

    def __init__(self, lease: Lease, files: ArtifactStore, kind: str) -> None:
        self._lease = lease
        self._files = files
        self._kind = kind
        named: Stored | None = getattr(lease.job, kind)
        self._key = named.key if named else ""

    def replace(self, data: bytes, step: int = 0, event: str = "") -> None:
        """Put these bytes in the place of the last ones. Raises LeaseLost, RedisError or ObjectStoreError."""
        key = f"{folder(self._lease.job.id, self._kind)}/{self._lease.job.attempts}-{secrets.token_hex(8)}"
        self._files.put(key, data)
        try:
            before = self._lease.swap(self._kind, Stored(key=key, step=step), event)
        except LeaseLost:
            self._discard(key)
            raise
        self._key = key
        if before:
            self._discard(before)

    def read(self) -> bytes | None:
        """The last ones, of this attempt or one before it."""
        if not self._key:
            return None
        try:
            return self._files.get(self._key)
        except NotFound:
            log.error("job %s: its %s is gone", self._lease.job.id, self._kind)
            return None

    def _discard(self, key: str) -> None:
        try:
            self._files.delete(key)
        except ObjectStoreError as error:
            log.warning("%s stays until its job ends: %s", key, type(error).__name__)


def folder(job_id: str, kind: str) -> str:
    return f"jobs/{job_id}/{kind}s"


def forget_scratch(store: JobStore, files: ArtifactStore, job_id: str) -> None:
    """Delete what the record of an ended job names no more."""
    job = _found(store, job_id)
    if job is not None and not job.status.final:
        return
    for kind in ("checkpoint", "preview"):
        if job is None or getattr(job, kind) is None:
            files.delete_folder(folder(job_id, kind))


def _found(store: JobStore, job_id: str) -> Job | None:
    try:
        return store.get(job_id)
    except NotFound:
        return None
