"""Pictures of filters: zero is mid-grey, colour is kept, and pixels stay crisp."""

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

# The approximate side of a drawn filter, in pixels.
_CELL = 64


def unit_length(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return w/‖w‖ of filters (F, C, H, W), of the same shape, and ‖w‖ (F,).

    A filter of zeros stays zero.
    """
    norms = weight.flatten(1).norm(dim=1)
    return weight / norms.clamp(min=torch.finfo(weight.dtype).tiny)[:, None, None, None], norms


def draw_filters(weight: Tensor, *, shared: bool, colour: bool, slices: int) -> list[Image.Image]:
    """Draw each filter of (F, C, H, W): in colour, or its first `slices` channels as a grey row.

    With `shared`, the largest weight of all filters is white or black, otherwise that of each.
    """
    largest = float(weight.abs().max()) if shared else None
    return [_draw(one, largest, colour, slices) for one in weight]


def _draw(one: Tensor, largest: float | None, colour: bool, slices: int) -> Image.Image:
    limit = largest or float(one.abs().max()) or 1.0
    levels = (one / limit * 127.5 + 127.5).round().clamp(0, 255)
    level = levels.to(torch.uint8).cpu().numpy()  # (C, H, W)
    factor = max(1, _CELL // max(level.shape[1:]))
    if colour:
        return _enlarge(level.transpose(1, 2, 0), factor)
    edge = np.full((level.shape[1], 1), 255, np.uint8)
    parts = [part for channel in level[:slices] for part in (channel, edge)]
    return _enlarge(np.concatenate(parts[:-1], axis=1), max(1, factor // 2))


def _enlarge(level: NDArray[np.uint8], factor: int) -> Image.Image:
    picture = Image.fromarray(level).convert("RGB")
    size = picture.width * factor, picture.height * factor
    return picture.resize(size, Image.Resampling.NEAREST)
