"""A job's context: progress goes to its record and files to the object store.

A lost lease, a cancel request or a stopping worker ends the work through an exception.
"""

import hashlib
import io
import logging
import time
from collections.abc import Callable
from typing import Any

from obstore.exceptions import BaseError as ObjectStoreError
from PIL import Image
from redis import RedisError

from jobs.artifacts import ArtifactStore
from jobs.errors import GivenBack
from jobs.lease import Lease
from jobs.model import Artifact, Progress
from jobs.scratch import Scratch
from workers.throttle import Throttle
from workers.toolkit.images.image_set import ImageSet, LocalImageSet
from workers.toolkit.network.vision_model import VisionModel

log = logging.getLogger(__name__)

_REPORT_EVERY_S = 0.2
_PREVIEW_EVERY_S = 1.0
_PREVIEW_SIDE = 512


class JobContext:
    """Implements workers.toolkit.execution.context.Context for one lease.

    `load` returns another model by name. `stopping` says whether the worker stops.
    """

    def __init__(
        self,
        lease: Lease,
        files: ArtifactStore,
        origin: dict[str, Any],
        stopping: Callable[[], bool],
        checkpoint_every_s: float = 5,
        image_set: ImageSet | None = None,
        load: Callable[[str], VisionModel] | None = None,
    ) -> None:
        self.origin = origin
        self.image_set = image_set or LocalImageSet()
        self.artifacts: list[Artifact] = []
        self._load = load
        self._lease = lease
        self._files = files
        self._stopping = stopping
        # When this attempt first reported progress, and how much was done then.
        self._began = time.monotonic()
        self._done_at_start: int | None = None
        self._reported = 0.0
        self._finished = False
        self._previews = Scratch(lease, files, "preview")
        self._checkpoints = Scratch(lease, files, "checkpoint")
        self._preview_throttle = Throttle(_PREVIEW_EVERY_S, at_once=True)
        self._checkpoint_throttle = Throttle(checkpoint_every_s, at_once=False)
        # Whether the technique has made a checkpoint since it was last asked to stop.
        self._awaits_checkpoint = False

    def progress(
        self, done: int, total: int, message: str = "", *, loss: float | None = None
    ) -> None:
        """Write the progress into the record, at most five times a second.

        Raises Canceled, DeadlineExceeded, LeaseLost or GivenBack.
        """
        self._lease.raise_if_stopped()
        self._finished = done >= total
        self._raise_if_stopping()
        now = time.monotonic()
        if self._finished or now - self._reported >= _REPORT_EVERY_S:
            self._reported = now
            eta_s = self._eta(done, total, now)
            self._lease.heartbeat(
                Progress(done=done, total=total, message=message, eta_s=eta_s, loss=loss)
            )

    def wants_preview(self) -> bool:
        """Return whether a preview is due, which is about once a second."""
        return self._preview_throttle.due

    def preview(self, picture: Image.Image, step: int) -> None:
        """Publish the picture as the job's preview if one is due. Raises Canceled or LeaseLost."""
        if self.wants_preview():
            with self._preview_throttle.measured():
                self._store(self._previews, preview_jpeg(picture), step, f'{{"step":{step}}}')

    def checkpoint(self, make: Callable[[], bytes]) -> None:
        """Store what `make` returns if a checkpoint is due or the worker stops.

        Raises Canceled, LeaseLost or GivenBack.
        """
        stopping = self._stopping() and not self._finished
        if stopping or self._checkpoint_throttle.due:
            with self._checkpoint_throttle.measured():
                self._store(self._checkpoints, make())
        if stopping:
            raise GivenBack(self._lease.job.id)
        self._awaits_checkpoint = True

    def resume(self) -> bytes | None:
        """Return the job's last checkpoint, of this or an earlier attempt, or None."""
        return self._checkpoints.read()

    def save(self, name: str, data: bytes, media_type: str) -> None:
        """Store an artifact in this attempt's folder. It is published when the job succeeds."""
        self._lease.raise_if_stopped()
        key = f"{self._lease.folder}/{name}"
        self._files.put(key, data)
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.artifacts.append(
            Artifact(name=name, media_type=media_type, bytes=len(data), sha256=digest, key=key)
        )

    def model(self, name: str) -> VisionModel:
        """Return another model, which stays loaded like the job's own. Raises ModelError."""
        if self._load is None:
            raise LookupError(name)
        return self._load(name)

    def _raise_if_stopping(self) -> None:
        """Stop at the next checkpoint if the technique makes them, otherwise now."""
        if not self._stopping() or self._finished:
            return
        if not self._awaits_checkpoint:
            raise GivenBack(self._lease.job.id)
        self._awaits_checkpoint = False

    def _store(self, scratch: Scratch, data: bytes, step: int = 0, event: str = "") -> None:
        """Store a preview or a checkpoint. Ignore a failure, since the next one may succeed."""
        self._lease.raise_if_stopped()
        try:
            scratch.replace(data, step, event)
        except (RedisError, ObjectStoreError, OSError) as error:
            log.warning("job %s: not stored: %s", self._lease.job.id, type(error).__name__)

    def _eta(self, done: int, total: int, now: float) -> float | None:
        """Estimate the remaining seconds from this attempt, which may have begun in the middle."""
        if self._done_at_start is None:
            self._done_at_start, self._began = done, now
        advanced = done - self._done_at_start
        if advanced <= 0:
            return None
        return round((now - self._began) * (total - done) / advanced, 1)


def preview_jpeg(picture: Image.Image) -> bytes:
    """Return a JPEG of at most 512 pixels a side. The picture itself does not change."""
    small = picture.convert("RGB")
    small.thumbnail((_PREVIEW_SIDE, _PREVIEW_SIDE), Image.Resampling.BILINEAR, reducing_gap=2)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
