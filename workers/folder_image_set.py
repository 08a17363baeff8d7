"""A folder of pictures as an image set, for the command line."""

import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from PIL import Image

from workers.toolkit.images.decode import FORMATS, decode


class FolderImageSet:
    """Implements ImageSet: opened one at a time; what is kept lasts as long as the process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[str, bytes] = {}

    @cached_property
    def images(self) -> Sequence[str]:
        """The pictures by their path in the folder; what is not a picture is named and left out."""
        files = sorted(path for path in self._folder.rglob("*") if path.is_file())
        return [str(path.relative_to(self._folder)) for path in files if _is_picture(path)]

    def open(self, image_id: str) -> Image.Image:
        return decode((self._folder / image_id).read_bytes())

    def kept(self, name: str) -> bytes | None:
        return self._kept.get(name)

    def keep(self, name: str, data: bytes) -> None:
        self._kept[name] = data


def _is_picture(path: Path) -> bool:
    try:
        with Image.open(path, formats=FORMATS):
            return True
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        print(f"left out: {path}", file=sys.stderr)
        return False
