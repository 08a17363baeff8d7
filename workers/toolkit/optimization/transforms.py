"""Random views of a picture, so that what is made does not depend on single pixels (Olah et al. 2017)."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from workers.toolkit.execution.context import Context

_GREY = 0.5
_BEYOND, _WANDER = 1.1, 0.15  # parts of the side


@dataclass(frozen=True)
class RandomAffine:
    """Shift (pixels), scale and turn (degrees) each picture at random, in one resampling; outside it is grey."""

    shift: float = 0.0
    scale: float = 0.0
    turn: float = 0.0

    def __call__(self, picture: Tensor, generator: torch.Generator) -> Tensor:
        if not (self.shift or self.scale or self.turn):
            return picture
        grid = F.affine_grid(
            self._matrices(picture, generator), list(picture.shape), align_corners=False
        )
        seen = F.grid_sample(
            picture - _GREY, grid.to(picture), padding_mode="zeros", align_corners=False
        )
        return seen + _GREY

    def _matrices(self, picture: Tensor, generator: torch.Generator) -> Tensor:
        count, _, height, width = picture.shape
        shift_x, shift_y, scale, turn = 2 * torch.rand(4, count, generator=generator) - 1
        factor, angle = 1 / (1 + self.scale * scale), turn * self.turn * math.pi / 180
        cos, sin = factor * angle.cos(), factor * angle.sin()
        ratio = height / width  # grid_sample's axes both run from −1 to 1
        rows = [
            torch.stack([cos, -sin * ratio, 2 * self.shift * shift_x / width], 1),
            torch.stack([sin / ratio, cos, 2 * self.shift * shift_y / height], 1),
        ]
        return torch.stack(rows, 1)  # (B, 2, 3)


@dataclass(frozen=True)
class RandomCrop:
    """Look at a part of each picture, from `part` of its side to a little more than all, and add noise of 0..1.

    Most views show the middle. Beyond the border the picture is mirrored (after Fel et al. 2023).
    """

    part: float
    noise: float

    def __call__(self, picture: Tensor, generator: torch.Generator) -> Tensor:
        count = len(picture)
        factor = self.part + (_BEYOND - self.part) * torch.rand(count, generator=generator)
        middle = 2 * _WANDER * torch.randn(2, count, generator=generator)
        zero = torch.zeros(count)
        rows = [
            torch.stack([factor, zero, middle[0]], 1),
            torch.stack([zero, factor, middle[1]], 1),
        ]
        grid = F.affine_grid(torch.stack(rows, 1), list(picture.shape), align_corners=False)
        seen = F.grid_sample(
            picture, grid.to(picture), padding_mode="reflection", align_corners=False
        )
        return seen + self.noise * torch.randn(seen.shape, generator=generator).to(seen)


_QUALITY = 90


def enlarge_centre(picture: Tensor, factor: float) -> Tensor:
    """The middle of (B, C, H, W), `factor` times as large, at the picture's size; in 0..1."""
    matrix = picture.new_tensor([[1 / factor, 0, 0], [0, 1 / factor, 0]]).expand(len(picture), 2, 3)
    grid = F.affine_grid(matrix, list(picture.shape), align_corners=False)
    nearer = F.grid_sample(
        picture, grid, mode="bicubic", padding_mode="border", align_corners=False
    )
    return nearer.clamp(0, 1)


def save_animation(
    context: Context, name: str, frames: Sequence[Image.Image], frame_ms: int
) -> None:
    """Leave a WebP that shows the frames for ever."""
    buffer = io.BytesIO()
    frames[0].save(
        buffer,
        "WEBP",
        save_all=True,
        append_images=frames[1:],
        duration=frame_ms,
        loop=0,
        quality=_QUALITY,
        method=2,
    )
    context.save(name, buffer.getvalue(), "image/webp")
