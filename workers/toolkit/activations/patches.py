"""The part of a photograph that a unit sees."""

from math import ceil, floor

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from workers.toolkit.images.preprocessing import ModelInput
from workers.toolkit.images.types import Box
from workers.toolkit.network.seen_pixels import SeenPixels


def seen_box(model_input: ModelInput, seen: SeenPixels | None, y: int, x: int) -> Box:
    """Return the box of the pixels that the unit at y, x sees, in pixels of the photograph.

    If it is not known what units see, that is the whole input. The box of a unit that sees only
    padding is empty: its sides are equal.
    """
    height, width = model_input.x.shape[2:]
    box = (0, 0, width, height) if seen is None else seen.box(y, x)
    return clip(model_input.to_image(box), model_input.image)


def effective_box(model_input: ModelInput, gradient: Tensor, share: float = 0.05) -> Box:
    """Return the box that holds the unit's gradient (C, H, W) up to its tails.

    A tail is at most `share` of its magnitude, on either side of each axis. Within a large
    receptive field, most of the effect comes from the middle (Luo et al. 2016).
    """
    energy = gradient.abs().sum(0).double().cpu().numpy()  # (H, W)
    if not energy.any():  # nothing changes a saturated unit
        return clip(model_input.box, model_input.image)
    left, right = _without_tails(energy.sum(0), share)
    top, bottom = _without_tails(energy.sum(1), share)
    return clip(model_input.to_image((left, top, right, bottom)), model_input.image)


def clip(box: Box, image: Image.Image) -> Box:
    """Return the part of the box that lies in the image."""
    left, top, right, bottom = box
    right, bottom = min(right, float(image.width)), min(bottom, float(image.height))
    return max(left, 0.0), max(top, 0.0), right, bottom


def crop(image: Image.Image, box: Box) -> Image.Image:
    """Return every pixel that the box touches, but at least one."""
    # A side at 224.0000001 does not touch pixel 224.
    left, top, right, bottom = (round(side, 6) for side in box)
    x, y = min(floor(left), image.width - 1), min(floor(top), image.height - 1)
    end_x = min(max(ceil(right), x + 1), image.width)
    end_y = min(max(ceil(bottom), y + 1), image.height)
    return image.crop((x, y, end_x, end_y))


def fit(picture: Image.Image, side: int) -> Image.Image:
    """Scale a picture so that its longer side is `side`; small pictures keep crisp pixels."""
    scale = side / max(picture.size)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    resampling = Image.Resampling.NEAREST if scale >= 4 else Image.Resampling.BICUBIC
    return picture.resize(size, resampling)


def _without_tails(energy: NDArray[np.float64], share: float) -> tuple[int, int]:
    """Return the range of indices such that at most `share` of the sum lies before and after."""
    part = np.cumsum(energy) / energy.sum()
    first = int(np.searchsorted(part, share))
    last = int(np.searchsorted(part, 1 - share))
    return first, min(max(last, first), len(energy) - 1) + 1
