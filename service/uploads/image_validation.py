"""Checks of an uploaded image. The header is checked before any pixel is decoded."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from PIL import Image

from imaging.errors import ImageRefused
from imaging.examine import Examined, examine
from imaging.formats import open_file
from jobs.settings import Settings
from jobs.uploads import ImageFacts
from service.problems import Problem

_MOST_NARROW = 100
# A decoded pixel has 4 bytes, and a JPEG is decoded once more, to see whether it was cut off.
_BYTES_PER_PIXEL = 8

Holding = Callable[[int], AbstractContextManager[None]]
"""Waits until that many bytes are free, and holds them in a block."""


def validate_image(data: bytes, settings: Settings, holding: Holding) -> ImageFacts:
    """Return the upright size, the media type and the conversions to RGB. Raises Problem."""
    try:
        file = open_file(data)
        _check_size(file.image, settings)
        width, height = file.image.size
        with holding(_BYTES_PER_PIXEL * width * height):
            return _facts(examine(file))
    except ImageRefused as refusal:
        if refusal.code == "image_too_large":
            raise _too_large("far too many pixels", settings) from None
        raise Problem(refusal.code, refusal.detail) from refusal


def _facts(examined: Examined) -> ImageFacts:
    width, height = examined.size
    return ImageFacts(
        width=width,
        height=height,
        media_type=examined.media_type,
        conversions=examined.conversions,
    )


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


def _too_large(size: str, settings: Settings) -> Problem:
    return Problem(
        "image_too_large",
        f"The image has {size}; the limit is {settings.max_pixels:,}. Scale the image down.",
    )
