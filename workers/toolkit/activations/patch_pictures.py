"""Pictures of top patches and of the photographs that they come from."""

from PIL import Image, ImageDraw

from workers.toolkit.activations.patches import crop, fit
from workers.toolkit.activations.top_activations import TopPatch
from workers.toolkit.rendering.contact_sheet import side_by_side

CELL = 120
_THUMBNAIL = 200
# Pixels of the shortest side of a drawn box.
_LEAST = 12
_RED = (215, 48, 39)


def patch_picture(patch: TopPatch) -> Image.Image:
    """Return the part of the photograph inside the box, in its own pixels."""
    return crop(patch.model_input.image, patch.box)


def crop_to_patch(patch: TopPatch, picture: Image.Image) -> Image.Image:
    """Return the part of a picture of the network's input that lies in the box."""
    left, top, right, bottom = patch.model_input.box
    sx, sy = picture.width / (right - left), picture.height / (bottom - top)
    box = patch.box
    return crop(
        picture,
        ((box[0] - left) * sx, (box[1] - top) * sy, (box[2] - left) * sx, (box[3] - top) * sy),
    )


def patch_cell(patch: TopPatch, beside: Image.Image | None = None) -> Image.Image:
    """Return the patch at the size of a cell, with another picture to its right if given."""
    left = fit(patch_picture(patch), CELL)
    return left if beside is None else side_by_side([left, fit(beside, CELL)])


def place_cell(patch: TopPatch) -> Image.Image:
    """Return the photograph as a thumbnail, with the box in red.

    A small box is drawn larger, so that it can be found.
    """
    picture = fit(patch.model_input.image, _THUMBNAIL)
    scale = picture.width / patch.model_input.image.width
    left, top, right, bottom = (side * scale for side in patch.box)
    grow = max(0.0, (_LEAST - min(right - left, bottom - top)) / 2)
    box = [left - grow, top - grow, right - 1 + grow, bottom - 1 + grow]
    draw = ImageDraw.Draw(picture)
    # Of two colours, one is visible on any photograph.
    draw.rectangle(box, outline="white", width=3)
    draw.rectangle([box[0] + 1, box[1] + 1, box[2] - 1, box[3] - 1], outline=_RED, width=1)
    return picture
