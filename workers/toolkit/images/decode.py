"""Decoding of image files."""

from PIL import Image

from imaging.errors import ImageRefused
from imaging.examine import examine
from imaging.formats import open_file
from workers.toolkit.errors import UnreadableImage


def decode(data: bytes) -> Image.Image:
    """Decode a file of any accepted format to an upright 8-bit RGB image in sRGB.

    Transparent pixels are put on white. Raises UnreadableImage.
    """
    try:
        return examine(open_file(data)).rgb()
    except ImageRefused as refusal:
        raise UnreadableImage(refusal.detail) from refusal
