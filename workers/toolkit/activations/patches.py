"""The part of a photograph that a unit sees."""

from math import ceil, floor

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from workers.toolkit.images.preprocessing import ModelInput
from workers.toolkit.images.types import Box
from workers.toolkit.network.receptive_fields import ReceptiveField


def seen_box(model_input: ModelInput, field: ReceptiveField | None, y: int, x: int) -> Box:
    """The receptive field of the unit at y, x in pixels of the photograph, clipped to what the network sees.

    Without a field the unit sees the whole input.
    """
    height, width = model_input.x.shape[2:]
    box = (0, 0, width, height) if field is None else field.box(y, x, height, width)
    return clipped(model_input.to_image(box), model_input.image)


def effective_box(model_input: ModelInput, gradient: Tensor, share: float = 0.05) -> Box:
    """The box that holds the unit's gradient (C, H, W) but for `share` of its magnitude on either side of each axis.

    Within a large receptive field most of the effect comes from its middle (Luo et al. 2016).
    """
    energy = gradient.abs().sum(0).double().cpu().numpy()  # (H, W)
    if not energy.any():  # a saturated unit: nothing changes it
        return clipped(model_input.box, model_input.image)
    left, right = _bulk(energy.sum(0), share)
    top, bottom = _bulk(energy.sum(1), share)
    return clipped(model_input.to_image((left, top, right, bottom)), model_input.image)


def clipped(box: Box, image: Image.Image) -> Box:
    left, top, right, bottom = box
    return (
        max(left, 0.0),
        max(top, 0.0),
        min(right, float(image.width)),
        min(bottom, float(image.height)),
    )


def crop(image: Image.Image, box: Box) -> Image.Image:
    """Every pixel that the box touches."""
    left, top, right, bottom = (
        round(side, 6) for side in box
    )  # 224.0000001 does not touch pixel 224
    x, y = min(floor(left), image.width - 1), min(floor(top), image.height - 1)
    return image.crop(
        (
            x,
            y,
            min(max(ceil(right), x + 1), image.width),
            min(max(ceil(bottom), y + 1), image.height),
        )
    )


def fitted(picture: Image.Image, side: int) -> Image.Image:
    """Scaled so that its longer side is `side`; small ones keep their pixels crisp."""
    scale = side / max(picture.size)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return picture.resize(
        size, Image.Resampling.NEAREST if scale >= 4 else Image.Resampling.BICUBIC
    )


def _bulk(energy: NDArray[np.float64], share: float) -> tuple[int, int]:
    """First and last-but-one index such that at most `share` of the sum lies before and after."""
    part = np.cumsum(energy) / energy.sum()
    first = int(np.searchsorted(part, share))
    last = int(np.searchsorted(part, 1 - share))
    return first, min(max(last, first), len(energy) - 1) + 1
