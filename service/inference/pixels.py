"""Images as numbers 0 to 255, written as PNG files, which lose nothing."""

from contextlib import suppress
from io import BytesIO
from typing import Any

from PIL import Image

from service.inference.inference_request import refused

_CHANNELS = 3
# Speed counts: the file is stored under its hash, and decoded twice.
_COMPRESSION = 1


def image_of_rows(where: str, rows: list[Any]) -> bytes:
    """Return the file of an image H × W × 3. Raises Problem."""
    width = len(rows[0]) if rows and isinstance(rows[0], list) else 0
    numbers: list[Any] = []
    for row in rows:
        if not isinstance(row, list) or len(row) != width:
            raise _not_rows(where)
        for pixel in row:
            if not isinstance(pixel, list) or len(pixel) != _CHANNELS:
                raise _not_rows(where)
            numbers += pixel
    return image_of_numbers(where, numbers, width, len(rows))


def image_of_numbers(where: str, numbers: list[Any], width: int, height: int) -> bytes:
    """Return the file of an image from its numbers, row by row, red before green before blue.

    Raises Problem.
    """
    pixels = _bytes(where, numbers)
    if not pixels:
        raise refused(where, "the image has no pixels.")
    file = BytesIO()
    image = Image.frombytes("RGB", (width, height), pixels)
    image.save(file, "PNG", compress_level=_COMPRESSION)
    return file.getvalue()


def _bytes(where: str, numbers: list[Any]) -> bytes:
    """Return the numbers as bytes. Whole numbers may be written as 128.0. Raises Problem."""
    if set(map(type, numbers)) == {int}:
        with suppress(ValueError):
            return bytes(numbers)
    wrong = [number for number in numbers if not _is_pixel(number)]
    if not wrong:
        return bytes(map(int, numbers))
    raise refused(
        where,
        f"pixels are whole numbers 0 to 255, not {wrong[0]!r:.40}. Numbers between 0 and 1 must be "
        "multiplied by 255 and rounded.",
    )


def _is_pixel(number: Any) -> bool:
    if type(number) is float:
        return number.is_integer() and 0 <= number <= 255
    return type(number) is int and 0 <= number <= 255


def _not_rows(where: str) -> Exception:
    return refused(
        where,
        "numbers must be H rows of W pixels of 3 numbers each (red, green, blue). An image of "
        "another kind is sent as base64 of its file.",
    )
