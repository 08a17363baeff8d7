"""The score of an image while its pixels are replaced, one group after another."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from workers.toolkit.errors import NotFinite
from workers.toolkit.execution.types import Score

# Each step replaces 5 % of the pixels.
STEPS = 20
BATCH = 16


def pixel_ranks(values: Tensor, generator: torch.Generator) -> Tensor:
    """Rank the pixels of a map (H, W), the highest value first, → (H, W).

    Pixels of equal value follow each other in random order.
    """
    flat = values.detach().cpu().flatten()
    shuffled = torch.randperm(flat.numel(), generator=generator)
    order = shuffled[flat[shuffled].argsort(descending=True, stable=True)]
    ranks = torch.empty_like(order)
    ranks[order] = torch.arange(len(order))
    return ranks.reshape(values.shape)


def pixel_counts(pixels: int, steps: int = STEPS) -> list[int]:
    """Return how many pixels are replaced at each point of a curve.

    The counts go from none to all in equal steps.
    """
    steps = min(steps, pixels)
    return [round(pixels * step / steps) for step in range(steps + 1)]


@torch.no_grad()
def replace_pixels(
    score: Score,
    before: Tensor,
    after: Tensor,
    ranks: Tensor,
    counts: Sequence[int],
    progress: Callable[[int], None],
    batch: int = BATCH,
) -> Tensor:
    """Return the score of `before` with its first pixels taken from `after`, → (counts,).

    Both images are (1, C, H, W). `ranks` (H, W) orders the pixels, and `counts` says how many of
    them are taken. `progress` gets the number of scores that are known. Raises NotFinite.
    """
    ranks, scores = ranks.to(before.device), []
    for start in range(0, len(counts), batch):
        progress(start)
        taken_pixels = torch.tensor(counts[start : start + batch], device=before.device)
        taken = ranks < taken_pixels[:, None, None]
        scores.append(score(torch.where(taken[:, None], after, before)))
    progress(len(counts))
    curve = torch.cat(scores)
    if not bool(curve.isfinite().all()):
        raise NotFinite(
            "The score is NaN or infinite while the check hides the image. "
            "Send the request without `check`."
        )
    return curve


def area(fractions: Sequence[float], scores: Sequence[float]) -> float:
    """Return the area under a curve, by trapezoids.

    Over fractions from 0 to 1 it is a mean score.
    """
    points = pairwise(zip(fractions, scores, strict=True))
    return sum((x1 - x0) * (y0 + y1) / 2 for (x0, y0), (x1, y1) in points)
