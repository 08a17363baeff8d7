"""A set of photographs that a technique reads, and the files that are kept beside it for the next one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from PIL import Image


class ImageSet(Protocol):
    """What a technique may ask of an image set. Images are only ever added, at the end."""

    @property
    def images(self) -> Sequence[str]:
        """The ids, in the order in which they were added."""

    def open(self, image_id: str) -> Image.Image:
        """An upright 8-bit RGB photograph."""

    def kept(self, name: str) -> bytes | None:
        """A file that an earlier run kept, or None."""

    def keep(self, name: str, data: bytes) -> None:
        """Keep a file for later runs; it may be lost, so that it must be possible to make it again."""


@dataclass
class LocalImageSet:
    """Photographs in memory, by name. For notebooks, the command line and tests."""

    photographs: dict[str, Image.Image] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def images(self) -> Sequence[str]:
        return list(self.photographs)

    def open(self, image_id: str) -> Image.Image:
        return self.photographs[image_id]

    def kept(self, name: str) -> bytes | None:
        return self.files.get(name)

    def keep(self, name: str, data: bytes) -> None:
        self.files[name] = data
