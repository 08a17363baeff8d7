"""Deletion and insertion: the score while the pixels that a map marks are hidden or shown (Petsiuk et al. 2018)."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from workers.toolkit.errors import NotFinite

STEPS = 20  # 5% of the pixels at a time
BATCH = 16

Score = Callable[[Tensor], Tensor]  # (B, C, H, W) → (B,)


def pixel_ranks(values: Tensor, generator: torch.Generator) -> Tensor:
    """The place of every pixel of a map (H, W) when the highest value comes first, → (H, W).

    Pixels of equal value follow each other in random order.
    """
    flat = values.detach().cpu().flatten()
    shuffled = torch.randperm(flat.numel(), generator=generator)
    order = shuffled[flat[shuffled].argsort(descending=True, stable=True)]
    ranks = torch.empty_like(order)
    ranks[order] = torch.arange(len(order))
    return ranks.reshape(values.shape)


def cuts(pixels: int, steps: int = STEPS) -> list[int]:
    """How many pixels are changed at each point of a curve: from none to all in equal steps."""
    steps = min(steps, pixels)
    return [round(pixels * step / steps) for step in range(steps + 1)]


@torch.no_grad()
def exchange(
    score: Score,
    before: Tensor,
    after: Tensor,
    ranks: Tensor,
    counts: Sequence[int],
    progress: Callable[[int], None],
    batch: int = BATCH,
) -> Tensor:
    """The score of `before` with its first pixels taken from `after`, both (1, C, H, W), → (counts,).

    `ranks` (H, W) orders the pixels, `counts` says how many are taken; `progress` is told how many scores are known.
    Raises NotFinite.
    """
    ranks, scores = ranks.to(before.device), []
    for start in range(0, len(counts), batch):
        progress(start)
        taken = ranks < torch.tensor(counts[start : start + batch], device=before.device)[:, None, None]
        scores.append(score(torch.where(taken[:, None], after, before)))
    progress(len(counts))
    curve = torch.cat(scores)
    if not bool(curve.isfinite().all()):
        raise NotFinite("The score is NaN or infinite while the check hides the image. Ask without `check`.")
    return curve


def area(fractions: Sequence[float], scores: Sequence[float]) -> float:
    """The area under a curve, by trapezoids; over fractions from 0 to 1 it is a mean score."""
    points = pairwise(zip(fractions, scores, strict=True))
    return sum((x1 - x0) * (y0 + y1) / 2 for (x0, y0), (x1, y1) in points)
