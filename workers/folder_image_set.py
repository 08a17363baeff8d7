"""A folder of images as an image set, for the command line."""

import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from PIL import Image

from imaging.errors import ImageRefused
from imaging.formats import check_still, open_file
from workers.toolkit.images.decode import decode


class FolderImageSet:
    """Implements workers.toolkit.images.image_set.ImageSet on a folder and its subfolders.

    Images are opened one at a time. What a technique keeps beside the set lasts as long as the
    process.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[str, bytes] = {}

    @cached_property
    def images(self) -> Sequence[str]:
        """The images by their path in the folder. Other files are named on stderr and left out."""
        files = sorted(path for path in self._folder.rglob("*") if path.is_file())
        return [str(path.relative_to(self._folder)) for path in files if _is_image(path)]

    def open(self, image_id: str) -> Image.Image:
        """Return the decoded image."""
        return decode((self._folder / image_id).read_bytes())

    def kept(self, name: str) -> bytes | None:
        """Return what was kept under that name, or None."""
        return self._kept.get(name)

    def keep(self, name: str, data: bytes) -> None:
        """Keep a file for later calls in this process."""
        self._kept[name] = data


def _is_image(path: Path) -> bool:
    try:
        check_still(open_file(path.read_bytes()).image)
    except (OSError, ImageRefused) as error:
        print(f"left out: {path}: {error}", file=sys.stderr)
        return False
    return True
