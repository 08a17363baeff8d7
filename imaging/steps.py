"""One step of a conversion: what it is called, and what it does."""

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

Convert = Callable[[Image.Image], Image.Image]


def unchanged(image: Image.Image) -> Image.Image:
    """Return the image."""
    return image


@dataclass(frozen=True)
class Step:
    """A conversion that is carried out, or damage that was passed over.

    A step without a name belongs to the decoding of the format.
    """

    name: str | None
    convert: Convert = unchanged
