"""The one narrow object through which a technique meets the world: progress in, files out, stop when told."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from workers.toolkit.images.image_set import ImageSet, LocalImageSet
from workers.toolkit.network.vision_model import VisionModel


class Context(Protocol):
    """What a technique may ask for."""

    def progress(
        self, done: int, total: int, message: str = "", *, loss: float | None = None
    ) -> None:
        """Report that `done` of `total` steps are over. Raises when the job must stop; let that through."""

    def wants_preview(self) -> bool:
        """Would a preview be shown now? Costs nothing; ask before turning a tensor into a picture."""

    def preview(self, picture: Image.Image, step: int) -> None:
        """Show the picture as it is after `step` steps, if it is time. Raises when the job must stop."""

    def checkpoint(self, make: Callable[[], bytes]) -> None:
        """Keep what `make` returns, if it is time: all that is needed to go on from here, in another process too.

        Call it after every step, when the state is whole. `make` is called in here or never. Raises when the job must
        stop, after a checkpoint where the job will go on elsewhere.
        """

    def resume(self) -> bytes | None:
        """The last checkpoint of this job, or None: then begin at the beginning. Ask once, before the first step."""

    def save(self, name: str, data: bytes, media_type: str) -> None:
        """Leave a file with the result."""

    def model(self, name: str) -> VisionModel:
        """Another model than the one that the technique is given, loaded; its name was checked with the parameters."""

    @property
    def origin(self) -> dict[str, Any]:
        """Technique, model, parameters and seed, to be written into every picture."""

    @property
    def image_set(self) -> ImageSet:
        """The photographs of the set that the parameters name; empty where they name none."""


@dataclass
class LocalContext:
    """A context without a server: files stay in `files`. For notebooks, the command line and tests.

    `saved` is the last checkpoint: LocalContext(saved=stopped.saved) goes on where another one stopped. With
    `checkpoints=False` none is made.
    """

    origin: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    steps: list[tuple[int, int]] = field(default_factory=list)
    image_set: ImageSet = field(default_factory=LocalImageSet)
    losses: list[float] = field(default_factory=list)
    shown: tuple[int, Image.Image] | None = None
    saved: bytes | None = None
    checkpoints: bool = True
    load: Callable[[str], VisionModel] | None = (
        None  # by name; for techniques that ask for another model
    )

    def progress(
        self, done: int, total: int, message: str = "", *, loss: float | None = None
    ) -> None:
        self.steps.append((done, total))
        if loss is not None:
            self.losses.append(loss)

    def wants_preview(self) -> bool:
        return True

    def preview(self, picture: Image.Image, step: int) -> None:
        self.shown = (step, picture)

    def checkpoint(self, make: Callable[[], bytes]) -> None:
        if self.checkpoints:
            self.saved = make()

    def resume(self) -> bytes | None:
        return self.saved

    def save(self, name: str, data: bytes, media_type: str) -> None:
        self.files[name] = data

    def model(self, name: str) -> VisionModel:
        if self.load is None:
            raise LookupError(
                f"This context loads no models; {name!r} was asked for. Give it LocalContext(load=…)."
            )
        return self.load(name)


def save_png(context: Context, name: str, picture: Image.Image) -> bytes:
    """Leave a PNG that says in its text chunks how it was made; returns the file."""
    text = PngInfo()
    text.add_text("Software", "Retinoscope")
    for key, value in context.origin.items():
        text.add_text(
            f"retinoscope:{key}",
            value if isinstance(value, str) else json.dumps(value, sort_keys=True),
        )
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", pnginfo=text, compress_level=2)
    context.save(name, buffer.getvalue(), "image/png")
    return buffer.getvalue()


def save_npy(context: Context, name: str, values: NDArray[np.float32]) -> None:
    """Leave an array in numpy's format, readable without pickle."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(values, dtype=np.float32), allow_pickle=False)
    context.save(name, buffer.getvalue(), "application/x-npy")


def save_json(context: Context, name: str, value: Any) -> None:
    """Leave a JSON file."""
    context.save(name, json.dumps(value, indent=1, allow_nan=False).encode(), "application/json")
