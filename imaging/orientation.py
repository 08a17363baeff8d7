"""The orientation that a file states."""

from dataclasses import dataclass, field
from functools import partial

from PIL import Image

from imaging.steps import Step

ORIENTATION = 0x0112
"""The EXIF tag of the orientation."""

_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


_SIDEWAYS = (5, 6, 7, 8)


@dataclass(frozen=True)
class Orientation:
    """How a decoded image is still to be turned, 1 to 8, and the steps of that.

    `damaged` says that EXIF could not be read.
    """

    to_turn: int = 1
    steps: list[Step] = field(default_factory=list)
    damaged: bool = False

    def upright(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return width and height of the upright image."""
        return size[::-1] if self.to_turn in _SIDEWAYS else size


def turn(image: Image.Image, stated: int) -> Image.Image:
    """Return the image upright, given the orientation that is stated."""
    transposition = _TRANSPOSITIONS.get(stated)
    return image if transposition is None else image.transpose(transposition)


def read_orientation(image: Image.Image, stated_by_tiff: object) -> Orientation:
    """Return the orientation of a decoded image.

    `stated_by_tiff` is the tag of a TIFF, which Pillow turns while it decodes. The decoder of HEIC
    does so too, without telling.
    """
    if image.format == "TIFF":
        turned = stated_by_tiff in _TRANSPOSITIONS
        return Orientation(steps=[Step("exif_rotated")] if turned else [])
    if image.format == "HEIF":
        return Orientation()
    try:
        stated = image.getexif().get(ORIENTATION, 1)
    except Exception:
        # Pillow's reader of EXIF raises many kinds of exception for damaged data.
        return Orientation(damaged=True)
    if stated not in _TRANSPOSITIONS:
        return Orientation()
    return Orientation(stated, [Step("exif_rotated", partial(turn, stated=stated))])
