"""The formats that are accepted, and the opening of a file. No pixel is decoded here."""

import io
import warnings
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from imaging import heif, jpeg, png, tiff
from imaging.errors import ImageRefused

_PILLOWS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "AVIF")
FORMATS = (*_PILLOWS, "HEIF") if heif.INSTALLED else _PILLOWS
"""Pillow's names. HEIF, of which HEIC is the usual kind, needs the extra `heic`."""
_SEND = "Send PNG, JPEG, WebP, BMP, TIFF, GIF, AVIF or HEIC."

# Callers bound the number of pixels before anything is decoded; Pillow's error stays as a second
# bound. Its other warnings tell a server's log of a client's damaged metadata.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


@dataclass(frozen=True)
class OpenFile:
    """A file whose header was read. `size` of the image is not yet upright."""

    image: Image.Image
    data: bytes
    png: png.Chunks | None
    jpeg: jpeg.Segments | None


def open_file(data: bytes) -> OpenFile:
    """Read the header of a file of any accepted format. Raises ImageRefused."""
    heif.check_installed(data)
    tiff.check_pieces(data)
    chunks, segments = png.split(data), jpeg.split(data)
    sorted_ = chunks or segments
    readable = sorted_.image if sorted_ else heif.without_exif(data)
    try:
        image = Image.open(io.BytesIO(readable), formats=FORMATS)
    except Image.DecompressionBombError:
        raise ImageRefused(
            "image_too_large", "The image has far too many pixels. Scale it down."
        ) from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        tiff.check_samples(data)
        raise ImageRefused("not_an_image", _SEND) from error
    if image.format == "AVIF":
        # As of EXIF, the orientation of XMP does not count beside that of the container.
        image.info.pop("xmp", None)
    return OpenFile(image, readable, chunks, segments)


def check_still(image: Image.Image) -> None:
    """Raise ImageRefused for a second frame. Counting all frames of a long animation is slow."""
    # A HEIC may hold the pictures of a burst: the one that it calls primary is the photograph.
    if image.format == "HEIF":
        return
    try:
        image.seek(1)
    except EOFError:
        image.seek(0)
        return
    raise ImageRefused(
        "animated_image",
        "The image has several frames or pages. Send the one to explain as a still image.",
    )


def media_type(image: Image.Image) -> str:
    """Return the media type of the file."""
    if image.format == "HEIF":
        return str(getattr(image, "custom_mimetype", "image/heif"))
    return Image.MIME.get(image.format or "", "application/octet-stream")
