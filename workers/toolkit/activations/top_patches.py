"""Patches and the images they come from, as pictures."""

from collections.abc import Sequence

from PIL import Image, ImageDraw

from workers.toolkit.activations.patches import crop, fitted
from workers.toolkit.activations.top_activations import TopPatch
from workers.toolkit.rendering.contact_sheet import PAPER

CELL = 120
_THUMBNAIL, _LEAST = 200, 12
_RED = (215, 48, 39)


def patch_picture(spot: TopPatch) -> Image.Image:
    """The part of the photograph inside the box, in its own pixels."""
    return crop(spot.model_input.image, spot.box)


def crop_to_patch(spot: TopPatch, picture: Image.Image) -> Image.Image:
    """The part of a picture of the network's input that lies in the box."""
    left, top, right, bottom = spot.model_input.box
    sx, sy = picture.width / (right - left), picture.height / (bottom - top)
    box = spot.box
    return crop(
        picture,
        ((box[0] - left) * sx, (box[1] - top) * sy, (box[2] - left) * sx, (box[3] - top) * sy),
    )


def patch_cell(spot: TopPatch, beside: Image.Image | None = None) -> Image.Image:
    """The patch at the size of a cell, with another picture to its right."""
    left = fitted(patch_picture(spot), CELL)
    return left if beside is None else side_by_side([left, fitted(beside, CELL)])


def place_cell(spot: TopPatch) -> Image.Image:
    """The photograph, small, with the box in red; a small box is drawn larger, so that it can be found."""
    picture = fitted(spot.model_input.image, _THUMBNAIL)
    scale = picture.width / spot.model_input.image.width
    left, top, right, bottom = (side * scale for side in spot.box)
    grow = max(0.0, (_LEAST - min(right - left, bottom - top)) / 2)
    box = [left - grow, top - grow, right - 1 + grow, bottom - 1 + grow]
    draw = ImageDraw.Draw(picture)
    draw.rectangle(
        box, outline="white", width=3
    )  # two colours: one of them shows on any photograph
    draw.rectangle([box[0] + 1, box[1] + 1, box[2] - 1, box[3] - 1], outline=_RED, width=1)
    return picture


def side_by_side(pictures: Sequence[Image.Image], gap: int = 3) -> Image.Image:
    width = sum(picture.width + gap for picture in pictures) - gap
    row = Image.new("RGB", (width, max(picture.height for picture in pictures)), PAPER)
    x = 0
    for picture in pictures:
        row.paste(picture, (x, 0))
        x += picture.width + gap
    return row
