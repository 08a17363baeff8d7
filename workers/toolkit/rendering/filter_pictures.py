"""Filters of unit length, and how they are drawn: zero is mid-grey, colour is kept, pixels stay crisp."""

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

_CELL = 64  # about the side of a drawn filter


def unit_length(weight: Tensor) -> tuple[Tensor, Tensor]:
    """(F, C, H, W) → w/‖w‖ of the same shape, and ‖w‖ (F,). A filter of zeros stays zero."""
    norms = weight.flatten(1).norm(dim=1)
    return weight / norms.clamp(min=torch.finfo(weight.dtype).tiny)[:, None, None, None], norms


def draw_filters(weight: Tensor, *, shared: bool, colour: bool, slices: int) -> list[Image.Image]:
    """One picture per filter (F, C, H, W): in colour, or a row of its first `slices` channels in grey."""
    largest = float(weight.abs().max()) if shared else None
    return [_draw(one, largest, colour, slices) for one in weight]


def _draw(one: Tensor, largest: float | None, colour: bool, slices: int) -> Image.Image:
    reach = largest or float(one.abs().max()) or 1.0
    level = (
        (one / reach * 127.5 + 127.5).round().clamp(0, 255).to(torch.uint8).cpu().numpy()
    )  # (C, H, W)
    factor = max(1, _CELL // max(level.shape[1:]))
    if colour:
        return _enlarge(level.transpose(1, 2, 0), factor)
    factor = max(1, factor // 2)
    edge = np.full((level.shape[1], 1), 255, np.uint8)
    row = np.concatenate(
        [part for channel in level[:slices] for part in (channel, edge)][:-1], axis=1
    )
    return _enlarge(row, factor)


def _enlarge(level: NDArray[np.uint8], factor: int) -> Image.Image:
    picture = Image.fromarray(level).convert("RGB")
    return picture.resize(
        (picture.width * factor, picture.height * factor), Image.Resampling.NEAREST
    )
