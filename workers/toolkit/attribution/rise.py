"""RISE: the mean of random masks, weighted by the score of the masked image.

Petsiuk et al. 2018, Randomized Input Sampling for Explanation of Black-box Models.
"""

from dataclasses import dataclass
from math import ceil

import torch
from torch import Tensor
from torch.nn import functional as F

from workers.toolkit.errors import NotFinite
from workers.toolkit.execution.types import Progress, Score

BATCH = 16
# Scores that differ by less than this share of the largest are the same.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Masks:
    """Random masks of `grid` × `grid` cells, each open with a probability.

    The grid is enlarged bilinearly to one cell more than the image, and cut at a random offset
    within that cell.
    """

    grid: int
    probability: float

    def draw(self, count: int, height: int, width: int, generator: torch.Generator) -> Tensor:
        """Draw masks (count, height, width) in 0..1, on the CPU."""
        cell = ceil(height / self.grid), ceil(width / self.grid)
        draws = torch.rand(count, 1, self.grid, self.grid, generator=generator)
        open_cells = (draws < self.probability).float()
        size = [(self.grid + 1) * side for side in cell]
        large = F.interpolate(open_cells, size, mode="bilinear", align_corners=False)[:, 0]
        tops, lefts = (torch.randint(side, (count,), generator=generator).tolist() for side in cell)
        cut = [
            mask[y : y + height, x : x + width]
            for mask, y, x in zip(large, tops, lefts, strict=True)
        ]
        return torch.stack(cut)


@dataclass(frozen=True)
class MaskedMean:
    """The mean of the masks, weighted by their scores, and whether these scores differ at all."""

    mean: Tensor  # (H, W)
    varies: bool


@torch.no_grad()
def rise(
    score: Score,
    x: Tensor,
    fill: Tensor,
    masks: Masks,
    count: int,
    seed: int,
    progress: Progress,
    batch: int = BATCH,
) -> MaskedMean:
    """Return Σ score · mask / (count · probability) over `count` masks of x (1, C, H, W), → (H, W).

    A closed mask shows `fill` (C, H, W). Only one batch of masks is held at a time. Raises
    NotFinite.
    """
    generator = torch.Generator().manual_seed(seed)
    height, width = x.shape[2:]
    total = torch.zeros(height, width, dtype=torch.float64)
    all_scores = []
    for start in range(0, count, batch):
        progress(start, count, "masks")
        drawn = masks.draw(min(batch, count - start), height, width, generator)
        opening = drawn.to(x)[:, None]
        scores = score(fill + opening * (x - fill)).cpu().double()
        all_scores.append(scores)
        total += torch.tensordot(scores, drawn.double(), 1)
    progress(count, count, "masks")
    if not bool(total.isfinite().all()):
        raise NotFinite(
            "The score is NaN or infinite for at least one mask. Choose another `fill`."
        )
    mean = (total / (count * masks.probability)).float()
    return MaskedMean(mean, _differ(torch.cat(all_scores)))


def _differ(scores: Tensor) -> bool:
    """Return whether the scores differ by more than rounding; a single one does."""
    rounding = _ROUNDING * float(scores.abs().max())
    return len(scores) == 1 or float(scores.max() - scores.min()) > rounding
