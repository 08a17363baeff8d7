"""Pictures in a labelled grid."""

from collections.abc import Sequence
from math import ceil, sqrt

from PIL import Image, ImageDraw, ImageFont

from workers.toolkit.execution.context import Context, save_png

_GAP, _LABEL_HEIGHT, _LABEL_SIZE = 6, 14, 11
_CAPTION_HEIGHT, _CAPTION_SIZE = 22, 13
PAPER, _INK = (225, 225, 225), (40, 40, 40)  # white pictures end where the grey begins


def contact_sheet(
    pictures: Sequence[Image.Image],
    labels: Sequence[str],
    caption: str = "",
    columns: int | None = None,
) -> Image.Image:
    """Cells as large as the largest picture, each with its label (of one or more lines) below, a caption above."""
    width = max(picture.width for picture in pictures) + _GAP
    height = (
        max(picture.height for picture in pictures)
        + _LABEL_HEIGHT * max(label.count("\n") + 1 for label in labels)
        + _GAP
    )
    columns = columns or max(
        1, min(len(pictures), round(sqrt(len(pictures) * 1.5 * height / width)))
    )
    top = _CAPTION_HEIGHT if caption else _GAP
    wide = max(columns * width + _GAP, _text_width(caption) + 2 * _GAP)
    sheet = Image.new("RGB", (wide, ceil(len(pictures) / columns) * height + top), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((_GAP, _GAP // 2), caption, _INK, ImageFont.load_default(_CAPTION_SIZE))
    for i, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        x, y = _GAP + i % columns * width, top + i // columns * height
        sheet.paste(picture, (x, y))
        draw.text((x, y + picture.height), label, _INK, ImageFont.load_default(_LABEL_SIZE))
    return sheet


def _text_width(text: str) -> int:
    return ceil(ImageFont.load_default(_CAPTION_SIZE).getlength(text))


_LEAST = 128  # pixels of a cell's side: a caption must fit below it


def save_strip(context: Context, cells: Sequence[tuple[Image.Image, str]]) -> None:
    """Save strip.png; small pictures are shown larger, pixel by pixel."""
    pictures = [_large(picture) for picture, _ in cells]
    save_png(
        context,
        "strip.png",
        contact_sheet(pictures, [label for _, label in cells], columns=len(cells)),
    )


def _large(picture: Image.Image) -> Image.Image:
    factor = -(-_LEAST // picture.width)
    return picture.resize(
        (picture.width * factor, picture.height * factor), Image.Resampling.NEAREST
    )
