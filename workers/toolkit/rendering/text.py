"""Text in pictures, in DejaVu Sans, whose file comes with matplotlib."""

from functools import lru_cache
from math import ceil
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont
from PIL.ImageFont import FreeTypeFont

Color = tuple[int, int, int]

_FONTS = Path(matplotlib.get_data_path(), "fonts", "ttf")
FONT_FILE, BOLD_FILE = _FONTS / "DejaVuSans.ttf", _FONTS / "DejaVuSans-Bold.ttf"
# Text is drawn this much larger and then reduced, which places glyphs to a quarter of a pixel:
# Pillow places each on a whole one, and the gaps between words were then as narrow as those
# between letters.
_SUPERSAMPLING = 4
# The distance of two lines, as a part of the font's size.
_LEADING = 1.27


def write(picture: Image.Image, x: float, y: float, text: str, size: int, ink: Color) -> None:
    """Write text of one or more lines into a picture.

    The top left corner of the first line is at x, y; `size` is that of the font. All in pixels.
    """
    width, height = text_size(text, size)
    left, top = int(x), int(y)
    mask = Image.new("L", ((width + 1) * _SUPERSAMPLING, (height + 1) * _SUPERSAMPLING))
    draw = ImageDraw.Draw(mask)
    for number, line in enumerate(text.split("\n")):
        down = (y - top + number * line_height(size)) * _SUPERSAMPLING
        draw.text(((x - left) * _SUPERSAMPLING, down), line, 255, _font(size))
    picture.paste(ink, (left, top), mask.reduce(_SUPERSAMPLING))


def text_size(text: str, size: int) -> tuple[int, int]:
    """Return the width and the height of a text in whole pixels."""
    lines, font = text.split("\n"), _font(size)
    # In whole pixels glyphs are up to a hundredth wider than in the unit of the font.
    width = max(font.getlength(line) for line in lines) / _SUPERSAMPLING
    return ceil(width), len(lines) * line_height(size)


def line_width(line: str, size: float) -> float:
    """Return the width of a line in the unit of `size`, which is that of the font."""
    scale = 100
    return _font(scale).getlength(line) / _SUPERSAMPLING * size / scale


def line_height(size: int) -> int:
    """Return the distance of two lines in whole pixels."""
    return round(size * _LEADING)


def wrapped(text: str, size: float, width: float) -> list[str]:
    """Return the lines of a text that are at most `width` wide, broken between words if possible.

    `size` and `width` are in the same unit.
    """
    lines = [""]
    for word in text.split():
        for part in _broken(word, size, width):
            longer = f"{lines[-1]} {part}".strip()
            if line_width(longer, size) <= width:
                lines[-1] = longer
            else:
                lines.append(part)
    return lines


def _broken(word: str, size: float, width: float) -> list[str]:
    """Return a word in parts that are at most `width` wide, each of at least one character."""
    parts, start = [], 0
    for end in range(1, len(word) + 1):
        if end - start > 1 and line_width(word[start:end], size) > width:
            parts.append(word[start : end - 1])
            start = end - 1
    return [*parts, word[start:]]


@lru_cache
def _font(size: int) -> FreeTypeFont:
    return ImageFont.truetype(
        FONT_FILE, size * _SUPERSAMPLING, layout_engine=ImageFont.Layout.BASIC
    )
