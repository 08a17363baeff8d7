"""Random views of a picture, so that an optimization does not depend on single pixels.

Source: Olah et al. 2017. Besides, an enlargement of the picture's centre.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

_GREY = 0.5
# Of the picture's side: the largest view, and the standard deviation of its position.
_LARGEST_VIEW, _WANDER = 1.1, 0.15

Point = tuple[float, float]
"""(x, y) in a picture, each from −1 at the first edge to 1 at the last, as in grid_sample."""

MIDDLE: Point = (0.0, 0.0)


@dataclass(frozen=True)
class RandomAffine:
    """A random shift (pixels), scale and turn (degrees) of each picture, in one resampling.

    Scale and turn keep the `centre` in its place. Beyond the border the picture is grey.
    """

    shift: float = 0.0
    scale: float = 0.0
    turn: float = 0.0
    centre: Point = MIDDLE

    def __call__(self, picture: Tensor, generator: torch.Generator) -> Tensor:
        """Transform pictures (B, C, H, W)."""
        if not (self.shift or self.scale or self.turn):
            return picture
        matrices = _about(self._matrices(picture, generator), self.centre)
        grid = F.affine_grid(matrices, list(picture.shape), align_corners=False)
        seen = F.grid_sample(
            picture - _GREY, grid.to(picture), padding_mode="zeros", align_corners=False
        )
        return seen + _GREY

    def _matrices(self, picture: Tensor, generator: torch.Generator) -> Tensor:
        """Draw one affine matrix per picture, (B, 2, 3)."""
        count, _, height, width = picture.shape
        shift_x, shift_y, scale, turn = 2 * torch.rand(4, count, generator=generator) - 1
        factor, angle = 1 / (1 + self.scale * scale), turn * self.turn * math.pi / 180
        cos, sin = factor * angle.cos(), factor * angle.sin()
        ratio = height / width  # both axes of grid_sample run from −1 to 1
        rows = [
            torch.stack([cos, -sin * ratio, 2 * self.shift * shift_x / width], 1),
            torch.stack([sin / ratio, cos, 2 * self.shift * shift_y / height], 1),
        ]
        return torch.stack(rows, 1)


@dataclass(frozen=True)
class RandomCrop:
    """A random view of each picture, from `part` of its side to a little more than all of it.

    Noise of standard deviation `noise`, in 0..1, is added. Most views show the centre: `wander` is
    the standard deviation of their position, as a part of the side. Beyond the border the picture
    is mirrored (after Fel et al. 2023).
    """

    part: float
    noise: float
    centre: Point = MIDDLE
    wander: float = _WANDER

    def __call__(self, picture: Tensor, generator: torch.Generator) -> Tensor:
        """Transform pictures (B, C, H, W); the size stays."""
        count = len(picture)
        share = torch.rand(count, generator=generator)
        factor = self.part + (_LARGEST_VIEW - self.part) * share
        middle = 2 * self.wander * torch.randn(2, count, generator=generator)
        zero = torch.zeros(count)
        rows = [
            torch.stack([factor, zero, middle[0]], 1),
            torch.stack([zero, factor, middle[1]], 1),
        ]
        matrices = _about(torch.stack(rows, 1), self.centre)
        grid = F.affine_grid(matrices, list(picture.shape), align_corners=False)
        seen = F.grid_sample(
            picture, grid.to(picture), padding_mode="reflection", align_corners=False
        )
        return seen + self.noise * torch.randn(seen.shape, generator=generator).to(seen)


def _about(matrices: Tensor, centre: Point) -> Tensor:
    """Return the affine matrices (B, 2, 3) whose linear part keeps that point in its place."""
    if centre == MIDDLE:
        return matrices
    point = matrices.new_tensor(centre)
    moved = point - matrices[:, :, :2] @ point
    return torch.cat([matrices[:, :, :2], (matrices[:, :, 2] + moved)[..., None]], 2)


def enlarge_centre(picture: Tensor, factor: float) -> Tensor:
    """Enlarge the centre of pictures (B, C, H, W) in 0..1 by the factor; the size stays."""
    matrix = picture.new_tensor([[1 / factor, 0, 0], [0, 1 / factor, 0]]).expand(len(picture), 2, 3)
    grid = F.affine_grid(matrix, list(picture.shape), align_corners=False)
    enlarged = F.grid_sample(
        picture, grid, mode="bicubic", padding_mode="border", align_corners=False
    )
    return enlarged.clamp(0, 1)
