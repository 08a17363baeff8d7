"""The context of a job: progress goes to the record, files to the object store, and a lost lease stops the work."""

import hashlib
import time
from collections.abc import Callable
from typing import Any

from jobs.artifacts import ArtifactStore
from jobs.errors import GivenBack
from jobs.lease import Lease
from jobs.model import Artifact, Progress
from workers.toolkit.image_set import ImageSet, LocalImageSet

_REPORT_EVERY_S = 0.2


class JobContext:
    """Implements workers.toolkit.context.Context for one lease."""

    def __init__(
        self,
        lease: Lease,
        files: ArtifactStore,
        origin: dict[str, Any],
        stopping: Callable[[], bool],
        image_set: ImageSet | None = None,
    ) -> None:
        self.origin = origin
        self.image_set = image_set or LocalImageSet()
        self.artifacts: list[Artifact] = []
        self._lease = lease
        self._files = files
        self._stopping = stopping
        self._began = time.monotonic()
        self._reported = 0.0

    def progress(self, done: int, total: int, message: str = "") -> None:
        """Tell the record, a few times a second. Raises Canceled, LeaseLost or GivenBack."""
        self._lease.check()
        if self._stopping() and done < total:
            raise GivenBack(self._lease.job.id)
        now = time.monotonic()
        if done >= total or now - self._reported >= _REPORT_EVERY_S:
            self._reported = now
            self._lease.beat(Progress(done=done, total=total, message=message, eta_s=self._eta(done, total, now)))

    def save(self, name: str, data: bytes, media_type: str) -> None:
        """Store a file under this attempt's folder; it is published when the job succeeds."""
        self._lease.check()
        key = f"{self._lease.folder}/{name}"
        self._files.put(key, data)
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.artifacts.append(Artifact(name=name, media_type=media_type, bytes=len(data), sha256=digest, key=key))

    def _eta(self, done: int, total: int, now: float) -> float | None:
        return round((now - self._began) * (total - done) / done, 1) if done else None
