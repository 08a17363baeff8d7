"""Whether a JPEG was cut off, also one that has a mark of its end again.

libjpeg makes grey of data that are missing, and only warns, which Pillow does not pass on.
"""

import hashlib
import io

from PIL import Image, ImageChops

from imaging.jpeg import Segments

_END = b"\xff\xd9"
_FILLER = hashlib.shake_128(b"filler").digest(512).replace(b"\xff", b"")
"""Data without a mark. Decoders skip it where all blocks are there, and else make blocks of it."""
_ROWS = 256


def is_cut_off(jpeg: Segments, decoded: Image.Image) -> bool:
    """Return whether samples of a JPEG are missing, given the file and its decoded image.

    A progressive JPEG without its last refinements is complete: the standard allows it.
    """
    if not jpeg.components <= jpeg.begun:
        return True
    if not jpeg.ended or not jpeg.huffman:
        return False
    try:
        with Image.open(io.BytesIO(_filled(jpeg)), formats=("JPEG",)) as other:
            return _differ(decoded, other)
    except OSError:
        return True


def _filled(jpeg: Segments) -> bytes:
    """Return the JPEG with other data between its last block and its end."""
    restart = bytes([0xFF, 0xD0 + jpeg.restarts % 8])
    return jpeg.image.removesuffix(_END) + _FILLER + restart + _FILLER + _END


def _differ(one: Image.Image, other: Image.Image) -> bool:
    width, height = one.size
    boxes = ((0, top, width, min(top + _ROWS, height)) for top in range(0, height, _ROWS))
    return any(ImageChops.difference(one.crop(b), other.crop(b)).getbbox() for b in boxes)
