"""Pictures in a labelled grid or in a row."""

from collections.abc import Sequence
from math import ceil, sqrt

from PIL import Image

from workers.toolkit.execution.context import Context, save_png
from workers.toolkit.rendering.text import line_height, text_size, write

_GAP, _LABEL_SIZE = 6, 11
_CAPTION_HEIGHT, _CAPTION_SIZE = 22, 13
# Grey paper shows where a white picture ends.
_PAPER, _INK = (225, 225, 225), (40, 40, 40)
# Pixels of a cell's side in a strip: a caption must fit below it.
_STRIP_SIDE = 128


def contact_sheet(
    pictures: Sequence[Image.Image],
    labels: Sequence[str],
    caption: str = "",
    columns: int | None = None,
) -> Image.Image:
    """Lay out pictures in a grid, each with its label below, and the caption above all.

    Each cell is as large as the largest picture and the widest label. A label may have several
    lines. Without `columns`, the sheet is about half as wide again as it is high.
    """
    texts = max(text_size(label, _LABEL_SIZE)[0] for label in labels)
    width = max(texts, *(picture.width for picture in pictures)) + _GAP
    lines = max(label.count("\n") + 1 for label in labels)
    height = max(picture.height for picture in pictures) + line_height(_LABEL_SIZE) * lines + _GAP
    columns = columns or _columns(len(pictures), width, height)
    top = _CAPTION_HEIGHT if caption else _GAP
    wide = max(columns * width, text_size(caption, _CAPTION_SIZE)[0] + _GAP) + _GAP
    sheet = Image.new("RGB", (wide, ceil(len(pictures) / columns) * height + top), _PAPER)
    write(sheet, _GAP, _GAP // 2, caption, _CAPTION_SIZE, _INK)
    for i, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        x, y = _GAP + i % columns * width, top + i // columns * height
        sheet.paste(picture, (x, y))
        write(sheet, x, y + picture.height, label, _LABEL_SIZE, _INK)
    return sheet


def save_strip(context: Context, cells: Sequence[tuple[Image.Image, str]]) -> None:
    """Save strip.png: pictures with their labels in one row.

    Small pictures are enlarged without smoothing.
    """
    pictures = [_enlarged(picture) for picture, _ in cells]
    labels = [label for _, label in cells]
    save_png(context, "strip.png", contact_sheet(pictures, labels, columns=len(cells)))


def side_by_side(pictures: Sequence[Image.Image], gap: int = 3) -> Image.Image:
    """Put pictures into one row, without labels."""
    width = sum(picture.width + gap for picture in pictures) - gap
    row = Image.new("RGB", (width, max(picture.height for picture in pictures)), _PAPER)
    x = 0
    for picture in pictures:
        row.paste(picture, (x, 0))
        x += picture.width + gap
    return row


def _columns(count: int, width: int, height: int) -> int:
    return max(1, min(count, round(sqrt(count * 1.5 * height / width))))


def _enlarged(picture: Image.Image) -> Image.Image:
    factor = -(-_STRIP_SIDE // picture.width)
    size = picture.width * factor, picture.height * factor
    return picture.resize(size, Image.Resampling.NEAREST)
