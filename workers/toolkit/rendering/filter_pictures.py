"""Pictures of filters: zero is mid-grey, colour is kept, and pixels stay crisp."""

from collections.abc import Collection

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from workers.toolkit.rendering.contact_sheet import side_by_side

# The approximate side of a drawn filter, in pixels.
_CELL = 64
# A filter whose norm is below this part of the largest one responds to nothing.
_DEAD = 1e-3
_PALE, _LINE = (205, 205, 205), (130, 130, 130)


def unit_length(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return w/‖w‖ of filters (F, C, H, W), of the same shape, and ‖w‖ (F,).

    A filter of zeros stays zero.
    """
    norms = weight.flatten(1).norm(dim=1)
    return weight / norms.clamp(min=torch.finfo(weight.dtype).tiny)[:, None, None, None], norms


def dead_filters(norms: Tensor) -> list[int]:
    """Return the numbers of the filters whose norms (F,) are next to nothing."""
    return (norms <= _DEAD * norms.max()).nonzero().flatten().tolist()


def draw_filters(
    weight: Tensor, dead: Collection[int], *, shared: bool, colour: bool, slices: int
) -> list[Image.Image]:
    """Draw each filter of (F, C, H, W): in colour, or its first `slices` channels as a grey row.

    With `shared`, the largest weight of all filters is white or black, otherwise that of each.
    Dead filters are crossed out.
    """
    largest = float(weight.abs().max()) if shared else None
    pictures = [_draw(one, largest, colour, slices) for one in weight]
    return [
        _crossed_out(picture.size) if number in dead else picture
        for number, picture in enumerate(pictures)
    ]


def _crossed_out(size: tuple[int, int]) -> Image.Image:
    """Return an empty cell with a cross."""
    picture = Image.new("RGB", size, _PALE)
    draw, right, bottom = ImageDraw.Draw(picture), size[0] - 1, size[1] - 1
    draw.rectangle((0, 0, right, bottom), outline=_LINE)
    draw.line((0, 0, right, bottom), _LINE)
    draw.line((0, bottom, right, 0), _LINE)
    return picture


def _draw(one: Tensor, largest: float | None, colour: bool, slices: int) -> Image.Image:
    limit = largest or float(one.abs().max()) or 1.0
    levels = (one / limit * 127.5 + 127.5).round().clamp(0, 255)
    level = levels.to(torch.uint8).cpu().numpy()  # (C, H, W)
    factor = max(1, _CELL // max(level.shape[1:]))
    if colour:
        return _enlarge(level.transpose(1, 2, 0), factor)
    return side_by_side([_enlarge(channel, max(1, factor // 2)) for channel in level[:slices]])


def _enlarge(level: NDArray[np.uint8], factor: int) -> Image.Image:
    picture = Image.fromarray(level).convert("RGB")
    size = picture.width * factor, picture.height * factor
    return picture.resize(size, Image.Resampling.NEAREST)
