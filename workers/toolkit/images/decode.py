"""Decoding of image files."""

import io

import numpy as np
from PIL import Image

from workers.toolkit.errors import UnreadableImage

# The service accepts the same formats; a test holds the two lists together.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
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


def decode(data: bytes) -> Image.Image:
    """Decode a file of any accepted format to an upright 8-bit RGB image.

    Transparent pixels are put on white, and 16 bits are scaled to 8. Raises UnreadableImage.
    """
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        image.load()  # this already turns a TIFF upright
        transposition = _TRANSPOSITIONS.get(image.getexif().get(ORIENTATION, 1))
        return _rgb(image if transposition is None else image.transpose(transposition))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadableImage("The image cannot be decoded.") from error


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        return _from_deep(image)
    if "A" in image.getbands() or "transparency" in image.info:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")


def _from_deep(image: Image.Image) -> Image.Image:
    """Scale 16 bits, 32 bits or floats to 8 bits, by the range that the values are in."""
    values = np.nan_to_num(np.asarray(image).astype(np.float64), nan=0, posinf=0, neginf=0)
    largest = float(values.max(initial=0))
    if image.mode.startswith("I;16"):
        full = 65535.0
    else:
        full = next((full for full in (1.0, 255.0, 65535.0) if largest <= full), largest)
    levels = (values / full * 255).clip(0, 255).round().astype(np.uint8)
    return Image.fromarray(levels, "L").convert("RGB")
