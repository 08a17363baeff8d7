"""The context of a job: progress goes to the record, files to the object store, and a lost lease stops the work."""

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


class JobContext:
    """Implements workers.toolkit.execution.context.Context for one lease."""

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
        self._began = time.monotonic()
        self._began_at: int | None = None
        self._reported = 0.0
        self._last = False
        self._previews = Scratch(lease, files, "preview")
        self._checkpoints = Scratch(lease, files, "checkpoint")
        self._preview_pace = Throttle(_PREVIEW_EVERY_S, at_once=True)
        self._checkpoint_pace = Throttle(checkpoint_every_s, at_once=False)
        self._awaits_checkpoint = False

    def progress(
        self, done: int, total: int, message: str = "", *, loss: float | None = None
    ) -> None:
        """Tell the record, a few times a second. Raises Canceled, DeadlineExceeded, LeaseLost or GivenBack."""
        self._lease.raise_if_stopped()
        self._last = done >= total
        self._stop_if_told()
        now = time.monotonic()
        if self._last or now - self._reported >= _REPORT_EVERY_S:
            self._reported = now
            eta_s = self._eta(done, total, now)
            self._lease.heartbeat(
                Progress(done=done, total=total, message=message, eta_s=eta_s, loss=loss)
            )

    def wants_preview(self) -> bool:
        """True about once a second."""
        return self._preview_pace.due

    def preview(self, picture: Image.Image, step: int) -> None:
        """Show it to those who watch, if it is time. Raises Canceled or LeaseLost."""
        if self.wants_preview():
            with self._preview_pace.measured():
                self._keep(self._previews, shrunk(picture), step, f'{{"step":{step}}}')

    def checkpoint(self, make: Callable[[], bytes]) -> None:
        """Store what `make` returns, if it is time or the worker stops. Raises Canceled, LeaseLost or GivenBack."""
        told = self._stopping() and not self._last
        if told or self._checkpoint_pace.due:
            with self._checkpoint_pace.measured():
                self._keep(self._checkpoints, make())
        if told:
            raise GivenBack(self._lease.job.id)
        self._awaits_checkpoint = True

    def resume(self) -> bytes | None:
        """The last checkpoint of this job, by whichever attempt."""
        return self._checkpoints.read()

    def save(self, name: str, data: bytes, media_type: str) -> None:
        """Store a file under this attempt's folder; it is published when the job succeeds."""
        self._lease.raise_if_stopped()
        key = f"{self._lease.folder}/{name}"
        self._files.put(key, data)
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.artifacts.append(
            Artifact(name=name, media_type=media_type, bytes=len(data), sha256=digest, key=key)
        )

    def model(self, name: str) -> VisionModel:
        """Another model, kept warm like the job's own. Raises ModelError."""
        if self._load is None:
            raise LookupError(name)
        return self._load(name)

    def _stop_if_told(self) -> None:
        """Where the technique makes checkpoints, the next one stops it, with nothing lost; else this call does."""
        if not self._stopping() or self._last:
            return
        if not self._awaits_checkpoint:
            raise GivenBack(self._lease.job.id)
        self._awaits_checkpoint = False

    def _keep(self, scratch: Scratch, data: bytes, step: int = 0, event: str = "") -> None:
        """A preview or a checkpoint that cannot be stored is no reason to stop: the next one may be."""
        self._lease.raise_if_stopped()
        try:
            scratch.replace(data, step, event)
        except (RedisError, ObjectStoreError, OSError) as error:
            log.warning("job %s: not kept: %s", self._lease.job.id, type(error).__name__)

    def _eta(self, done: int, total: int, now: float) -> float | None:
        """By the pace of this attempt, which may have begun in the middle."""
        if self._began_at is None:
            self._began_at, self._began = done, now
        gone = done - self._began_at
        return round((now - self._began) * (total - done) / gone, 1) if gone > 0 else None


MEDIA_TYPE = "image/jpeg"
_MOST = 512


def shrunk(picture: Image.Image) -> bytes:
    """A JPEG of at most 512 pixels a side; the picture itself is left as it is."""
    small = picture.convert("RGB")
    small.thumbnail((_MOST, _MOST), Image.Resampling.BILINEAR, reducing_gap=2)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
