"""Checks of an uploaded image. The header is checked before any pixel is decoded."""

import io
import warnings

from PIL import Image, UnidentifiedImageError

from jobs.settings import Settings
from jobs.uploads import ImageFacts
from service.problems import Problem

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
_MOST_NARROW = 100
_ORIENTATION, _SIDEWAYS = 0x0112, (5, 6, 7, 8)
_CONVERSIONS = {
    "1": "bilevel_to_rgb",
    "L": "gray_to_rgb",
    "LA": "gray_to_rgb",
    "P": "palette_to_rgb",
    "PA": "palette_to_rgb",
    "CMYK": "cmyk_to_rgb",
    "YCbCr": "ycbcr_to_rgb",
    "LAB": "lab_to_rgb",
    "HSV": "hsv_to_rgb",
    "F": "float_to_rgb",
}

# `max_pixels` is checked here before decoding. Pillow's own error remains as a second check.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def validate_image(data: bytes, settings: Settings) -> ImageFacts:
    """Return the upright size, the media type and the conversions to RGB. Raises Problem."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        raise _too_large("far too many pixels", settings) from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise Problem(
            "not_an_image", f"Send {', '.join(FORMATS[:-1])} or {FORMATS[-1]}."
        ) from error
    _check_size(image, settings)
    try:
        return _facts(image)
    except Problem:
        raise
    except Exception as error:
        # Decoders and metadata readers raise many kinds of exception for damaged files.
        raise Problem(
            "broken_image", "The image cannot be decoded completely. Was the upload cut off?"
        ) from error


def _check_size(image: Image.Image, settings: Settings) -> None:
    width, height = image.size
    if width * height > settings.max_pixels:
        raise _too_large(f"{width} × {height} = {width * height:,} pixels", settings)
    if min(width, height) < settings.min_side:
        raise Problem(
            "image_too_small",
            f"The image is {width} × {height}; "
            f"each side needs at least {settings.min_side} pixels.",
        )
    if max(width, height) > _MOST_NARROW * min(width, height):
        raise Problem(
            "image_too_narrow",
            f"The image is {width} × {height}; the longer side may be at most {_MOST_NARROW} times "
            "the shorter one.",
        )


def _check_frames(image: Image.Image) -> None:
    """Refuse an image with a second frame. Counting all frames of a long animation is slow."""
    # The JPEG of a phone may hold a second view.
    if image.format == "MPO":
        return
    try:
        image.seek(1)
    except EOFError:
        image.seek(0)
        return
    raise Problem(
        "animated_image",
        "The image has several frames or pages. Send the one to explain as a still image.",
    )


def _facts(image: Image.Image) -> ImageFacts:
    _check_frames(image)
    deep = any(";16" in str(tile) for tile in getattr(image, "tile", ()))
    image.load()
    orientation = image.getexif().get(_ORIENTATION, 1)
    width, height = image.size[::-1] if orientation in _SIDEWAYS else image.size
    return ImageFacts(
        width=width,
        height=height,
        media_type=Image.MIME.get(image.format or "", "application/octet-stream"),
        conversions=_conversions(image, orientation, deep),
    )


def _conversions(image: Image.Image, orientation: int, deep: bool) -> list[str]:
    conversions = ["exif_rotated"] if orientation in range(2, 9) else []
    if deep or image.mode.startswith("I"):
        conversions.append("16bit_to_8bit")
    if image.mode in _CONVERSIONS:
        conversions.append(_CONVERSIONS[image.mode])
    if image.has_transparency_data:
        conversions.append("transparency_on_white")
    return conversions


def _too_large(size: str, settings: Settings) -> Problem:
    return Problem(
        "image_too_large",
        f"The image has {size}; the limit is {settings.max_pixels:,}. Scale the image down.",
    )
