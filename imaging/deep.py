"""Unsigned samples of more than 8 bits become 8 bits, exactly rounded.

Pillow decodes 3 × 16 bits to their high bytes. The low bytes come from decoding the file once more
as if its bytes were in the other order.
"""

import io
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from PIL import Image

from imaging import png, tone_curves
from imaging.formats import FORMATS, OpenFile
from imaging.orientation import turn

TileArgs = tuple[Any, ...] | str | None
_PIXELS_AT_ONCE = 1 << 20
_SWAPPED = {
    f"{mode};16{order}": f"{mode};16{other}"
    for mode in ("RGB", "RGBX", "RGBA", "CMYK")
    for order, other in (("B", "L"), ("L", "B"), ("N", "B" if sys.byteorder == "little" else "L"))
}


@lru_cache(maxsize=16)
def levels(full: int, inverted: bool, curve: bytes | None) -> tuple[int, ...]:
    """Return the 8-bit level of each 16-bit sample, `full` being white.

    With a tone curve of ICC the level is sRGB's of the same light.
    """
    whole = [min(value, full) for value in range(65536)]
    if inverted:
        whole = [full - value for value in whole]
    if curve:
        return tuple(tone_curves.srgb_levels(curve, whole, full))
    return tuple((255 * value + full // 2) // full for value in whole)


def gray_to_8(image: Image.Image, table: Sequence[int]) -> Image.Image:
    """Return a grey image of 16-bit samples as L."""
    eight = Image.new("L", image.size)
    for box in _strips(image.size):
        eight.paste(_looked_up(image.crop(box), table), box)
    return eight


def low_bytes(file: OpenFile, stated: int) -> Image.Image:
    """Decode the low bytes of an image of several 16-bit samples, and turn them upright."""
    image = Image.open(io.BytesIO(file.data), formats=FORMATS)
    image.tile = [tile._replace(args=_in_the_other_order(tile.args)) for tile in image.tile]
    image.load()
    return turn(image, stated)


def gray_with_alpha(
    image: Image.Image, data: bytes, stated: int, table: Sequence[int]
) -> Image.Image:
    """Return a PNG of grey and alpha with 16 bits each as LA, upright, given the file.

    Four bytes per pixel are decoded as if they were red, green, blue and alpha of 8 bits each. Of
    the decoded image only the size is used.
    """
    pairs = turn(Image.open(io.BytesIO(png.as_rgba_of_8_bits(data)), formats=FORMATS), stated)
    even = levels(65535, False, None)
    eight = Image.new("LA", image.size)
    for box in _strips(image.size):
        gray_high, gray_low, alpha_high, alpha_low = pairs.crop(box).split()
        bands = ((gray_high, gray_low, table), (alpha_high, alpha_low, even))
        eight.paste(Image.merge("LA", [_looked_up(_joined(h, b), t) for h, b, t in bands]), box)
    return eight


def has_low_bytes(raw_mode: str) -> bool:
    """Return whether Pillow can decode the low bytes of samples that are stored like that."""
    return raw_mode in _SWAPPED


def colour_to_8(
    high: Image.Image, low: Image.Image, tables: Sequence[Sequence[int]]
) -> Image.Image:
    """Return high and low bytes as 8 bits: a table for each band, of which alpha has its own."""
    eight = high.copy()
    for box in _strips(high.size):
        bands = zip(high.crop(box).split(), low.crop(box).split(), tables, strict=True)
        strip = Image.merge(high.mode, [_looked_up(_joined(h, b), table) for h, b, table in bands])
        eight.paste(strip, box)
    return eight


def _in_the_other_order(args: TileArgs) -> TileArgs:
    swapped = _SWAPPED[raw_mode(args)]
    return (swapped, *args[1:]) if isinstance(args, tuple) else swapped


def raw_mode(args: TileArgs) -> str:
    """Return how the samples are stored, in Pillow's words, given the arguments of a tile."""
    return str(args[0] if isinstance(args, tuple) and args else args)


def _joined(high: Image.Image, low: Image.Image) -> Image.Image:
    return Image.frombytes("I;16", high.size, Image.merge("LA", (low, high)).tobytes())


def _looked_up(samples: Image.Image, table: Sequence[int]) -> Image.Image:
    return samples.convert("I").point(table, "L")


def _strips(size: tuple[int, int]) -> Iterator[tuple[int, int, int, int]]:
    """Yield boxes of whole rows, so that intermediate images stay small."""
    width, height = size
    rows = max(_PIXELS_AT_ONCE // width, 1)
    for top in range(0, height, rows):
        yield 0, top, width, min(top + rows, height)
