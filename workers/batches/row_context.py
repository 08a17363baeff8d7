"""The context of one row of a batch: its files are held in memory until the row is kept."""

from collections.abc import Callable
from typing import Any

from PIL import Image

from jobs.errors import GivenBack
from jobs.lease import Lease
from workers.toolkit.images.image_set import ImageSet, LocalImageSet
from workers.toolkit.network.vision_model import VisionModel


class RowContext:
    """Implements workers.toolkit.execution.context.Context for one image.

    A row is short, so that it neither shows previews nor makes checkpoints: it is run anew by the
    next attempt. Its steps are signs of progress, at which the batch can be stopped.
    """

    def __init__(
        self,
        lease: Lease,
        origin: dict[str, Any],
        stopping: Callable[[], bool],
        load: Callable[[str], VisionModel],
    ) -> None:
        self.origin = origin
        self.image_set: ImageSet = LocalImageSet()
        self.files: dict[str, bytes] = {}
        self._lease = lease
        self._stopping = stopping
        self._load = load

    def progress(
        self, done: int, total: int, message: str = "", *, loss: float | None = None
    ) -> None:
        """Raise Canceled, DeadlineExceeded, LeaseLost or GivenBack if the batch must stop."""
        self._lease.raise_if_stopped()
        if self._stopping() and done < total:
            raise GivenBack(self._lease.job.id)

    def wants_preview(self) -> bool:
        """Return False."""
        return False

    def preview(self, picture: Image.Image, step: int) -> None:
        """Show nothing."""

    def checkpoint(self, make: Callable[[], bytes]) -> None:
        """Save nothing."""

    def resume(self) -> bytes | None:
        """Return None: a row begins anew."""

    def save(self, name: str, data: bytes, media_type: str) -> None:
        """Remember the file."""
        self._lease.raise_if_stopped()
        self.files[name] = data

    def model(self, name: str) -> VisionModel:
        """Return another model, which stays loaded like the batch's own. Raises ModelError."""
        return self._load(name)
