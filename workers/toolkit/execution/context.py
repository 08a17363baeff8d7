"""The context of a run: how a technique reports progress, saves files and learns to stop."""

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
    """The one object through which a technique reaches the world outside.

    A context that raises does so because the job must stop. A technique must let that pass.
    """

    def progress(
        self, done: int, total: int, message: str = "", *, loss: float | None = None
    ) -> None:
        """Report that `done` of `total` steps are over. Raises when the job must stop."""

    def wants_preview(self) -> bool:
        """Return whether a preview would be shown now.

        The call is cheap. Make it before you convert a tensor to a picture.
        """

    def preview(self, picture: Image.Image, step: int) -> None:
        """Show the picture after `step` steps, if it is time. Raises when the job must stop."""

    def checkpoint(self, make: Callable[[], bytes]) -> None:
        """Save what `make` returns, if it is time.

        It must hold all that another process needs to continue from here. Call this after every
        step, when the state is whole. `make` is called before this returns, or never. Raises when
        the job must stop, after a checkpoint if the job will continue elsewhere.
        """

    def resume(self) -> bytes | None:
        """Return the last checkpoint of this job, or None if there is none.

        Call it once, before the first step.
        """

    def save(self, name: str, data: bytes, media_type: str) -> None:
        """Add a file to the result."""

    def model(self, name: str) -> VisionModel:
        """Load another model than the one that the technique is given.

        Its name was checked with the parameters.
        """

    @property
    def origin(self) -> dict[str, Any]:
        """Technique, model, parameters and seed, which are written into every picture."""

    @property
    def image_set(self) -> ImageSet:
        """The photographs of the set that the parameters name; empty if they name none."""


@dataclass
class LocalContext:
    """A context without a server. For notebooks, the command line and tests.

    Files are added to `files`. `saved` is the last checkpoint: LocalContext(saved=stopped.saved)
    continues where another one stopped. With `checkpoints=False` none is made. `load` returns a
    model by its name, for techniques that need another one.
    """

    origin: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    steps: list[tuple[int, int]] = field(default_factory=list)
    image_set: ImageSet = field(default_factory=LocalImageSet)
    losses: list[float] = field(default_factory=list)
    shown: tuple[int, Image.Image] | None = None
    saved: bytes | None = None
    checkpoints: bool = True
    load: Callable[[str], VisionModel] | None = None

    def progress(
        self, done: int, total: int, message: str = "", *, loss: float | None = None
    ) -> None:
        """Remember the progress and the loss."""
        self.steps.append((done, total))
        if loss is not None:
            self.losses.append(loss)

    def wants_preview(self) -> bool:
        """Return True."""
        return True

    def preview(self, picture: Image.Image, step: int) -> None:
        """Remember the picture."""
        self.shown = (step, picture)

    def checkpoint(self, make: Callable[[], bytes]) -> None:
        """Remember the checkpoint."""
        if self.checkpoints:
            self.saved = make()

    def resume(self) -> bytes | None:
        """Return the last checkpoint."""
        return self.saved

    def save(self, name: str, data: bytes, media_type: str) -> None:
        """Remember the file."""
        self.files[name] = data

    def model(self, name: str) -> VisionModel:
        """Load a model with `load`. Raises LookupError if there is none."""
        if self.load is None:
            raise LookupError(
                f"This context cannot load the model {name!r}. Use LocalContext(load=…)."
            )
        return self.load(name)


def save_png(context: Context, name: str, picture: Image.Image, *, dpi: int | None = None) -> bytes:
    """Save a PNG whose text chunks describe how it was made; return the file.

    `dpi` are the dots per inch that the file states for print.
    """
    text = PngInfo()
    text.add_text("Software", "Retinoscope")
    for key, value in context.origin.items():
        content = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
        text.add_text(f"retinoscope:{key}", content)
    buffer = io.BytesIO()
    print_size = {"dpi": (dpi, dpi)} if dpi else {}
    # Level 6 takes two to four times as long and saves a tenth (benchmarks/rendering.md).
    picture.save(buffer, "PNG", pnginfo=text, compress_level=1, **print_size)
    context.save(name, buffer.getvalue(), "image/png")
    return buffer.getvalue()


def save_npy(context: Context, name: str, values: NDArray[np.float32] | NDArray[np.uint8]) -> None:
    """Save an array as float32, or bytes as uint8, in numpy's format, readable without pickle."""
    kind = np.uint8 if values.dtype == np.uint8 else np.float32
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(values, dtype=kind), allow_pickle=False)
    context.save(name, buffer.getvalue(), "application/x-npy")


def save_json(context: Context, name: str, value: Any) -> None:
    """Save a JSON file."""
    context.save(name, json.dumps(value, indent=1, allow_nan=False).encode(), "application/json")
