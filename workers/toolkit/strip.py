"""Pictures in one row with captions, as the figures of papers have them."""

from collections.abc import Sequence

from PIL import Image

from workers.toolkit.contact_sheet import contact_sheet
from workers.toolkit.context import Context, save_png

_LEAST = 128  # pixels of a cell's side: a caption must fit below it


def leave_strip(context: Context, cells: Sequence[tuple[Image.Image, str]]) -> None:
    """Save strip.png; small pictures are shown larger, pixel by pixel."""
    pictures = [_large(picture) for picture, _ in cells]
    save_png(context, "strip.png", contact_sheet(pictures, [label for _, label in cells], columns=len(cells)))


def _large(picture: Image.Image) -> Image.Image:
    factor = -(-_LEAST // picture.width)
    return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
