"""A set of photographs, and the files that a technique keeps beside it for later runs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from PIL import Image


class ImageSet(Protocol):
    """An image set as techniques see it. Images are only ever added, at the end."""

    @property
    def images(self) -> Sequence[str]:
        """The ids, in the order in which the images were added."""

    def open(self, image_id: str) -> Image.Image:
        """Return an image as an upright 8-bit RGB photograph."""

    def kept(self, name: str) -> bytes | None:
        """Return a file that an earlier run kept, or None."""

    def keep(self, name: str, data: bytes) -> None:
        """Keep a file for later runs. It may be lost, so the caller must be able to remake it."""


@dataclass
class LocalImageSet:
    """Photographs in memory, by name. For notebooks, the command line and tests."""

    photographs: dict[str, Image.Image] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def images(self) -> Sequence[str]:
        """The names of the photographs."""
        return list(self.photographs)

    def open(self, image_id: str) -> Image.Image:
        """Return a photograph."""
        return self.photographs[image_id]

    def kept(self, name: str) -> bytes | None:
        """Return a file that was kept, or None."""
        return self.files.get(name)

    def keep(self, name: str, data: bytes) -> None:
        """Keep a file in memory."""
        self.files[name] = data
