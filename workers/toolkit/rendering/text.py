"""Text in pictures: words stay apart at the small sizes of labels and captions.

Pillow places each glyph on a whole pixel, and the space of its font is 0.2 em wide. At 11 pixels
the gap between two words was then hardly wider than that between two letters.
"""

from math import ceil

from PIL import Image, ImageDraw, ImageFont
from PIL.ImageFont import FreeTypeFont

Color = tuple[int, int, int]

# Text is drawn this much larger and then reduced, which places glyphs to a quarter of a pixel.
_SUPERSAMPLING = 4
# The width of a space and the distance of two lines, as parts of the font's size.
_SPACE, _LEADING = 0.32, 1.27


def write(picture: Image.Image, x: float, y: float, text: str, size: int, ink: Color) -> None:
    """Write text of one or more lines into a picture.

    The top left corner of the first line is at x, y; `size` is that of the font. All in pixels.
    """
    font = _font(size)
    width, height = text_size(text, size)
    left, top = int(x), int(y)
    mask = Image.new("L", ((width + 1) * _SUPERSAMPLING, (height + 1) * _SUPERSAMPLING))
    draw = ImageDraw.Draw(mask)
    for number, line in enumerate(text.split("\n")):
        down = (y - top + number * line_height(size)) * _SUPERSAMPLING
        for word, across in _placed(line, font):
            draw.text(((x - left) * _SUPERSAMPLING + across, down), word, 255, font)
    picture.paste(ink, (left, top), mask.reduce(_SUPERSAMPLING))


def text_size(text: str, size: int) -> tuple[int, int]:
    """Return the width and the height of a text in whole pixels."""
    font, lines = _font(size), text.split("\n")
    ends = [across + font.getlength(word) for line in lines for word, across in _placed(line, font)]
    return ceil(max(ends) / _SUPERSAMPLING), len(lines) * line_height(size)


def line_height(size: int) -> int:
    """Return the distance of two lines in whole pixels."""
    return round(size * _LEADING)


def _placed(line: str, font: FreeTypeFont) -> list[tuple[str, float]]:
    """Return the words of a line, each with its left end in pixels of the enlarged text."""
    placed, across = [], 0.0
    for word in line.split(" "):
        placed.append((word, across))
        across += font.getlength(word) + _SPACE * font.size
    return placed


def _font(size: int) -> FreeTypeFont:
    font = ImageFont.load_default(size * _SUPERSAMPLING)
    assert isinstance(font, FreeTypeFont), "Pillow's wheels contain FreeType"
    return font
