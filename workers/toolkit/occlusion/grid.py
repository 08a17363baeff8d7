"""The patches of a grid, and the map that their scores make."""

from collections.abc import Sequence
from itertools import product
from math import ceil

import torch
from torch import Tensor

from workers.toolkit.errors import NotFinite
from workers.toolkit.execution.types import Progress, Score
from workers.toolkit.occlusion.types import Rectangle

BATCH = 16


def rectangles(height: int, width: int, window: int, stride: int) -> list[Rectangle]:
    """Return the patches row by row, from the top left corner.

    The last ones are cut off at the edge.
    """
    tops, lefts = _starts(height, window, stride), _starts(width, window, stride)
    return [
        (left, top, min(left + window, width), min(top + window, height))
        for top, left in product(tops, lefts)
    ]


def cover(x: Tensor, patches: Sequence[Rectangle], fill: Tensor) -> Tensor:
    """Return one copy of x (1, C, H, W) per patch that shows `fill` (C, H, W) there."""
    covered = x.repeat(len(patches), 1, 1, 1)
    for image, (left, top, right, bottom) in zip(covered, patches, strict=True):
        image[:, top:bottom, left:right] = fill[:, top:bottom, left:right]
    return covered


@torch.no_grad()
def occluded_scores(
    score: Score,
    x: Tensor,
    patches: Sequence[Rectangle],
    fill: Tensor,
    progress: Progress,
    batch: int = BATCH,
) -> Tensor:
    """Return the score of x (1, C, H, W) under each patch, (patches,), from whole images.

    This is the plain loop, with which the engines are compared. Raises NotFinite.
    """
    scores = []
    for start in range(0, len(patches), batch):
        progress(start, len(patches), "patches")
        scores.append(score(cover(x, patches[start : start + batch], fill)))
    progress(len(patches), len(patches), "patches")
    return require_finite(torch.cat(scores))


def require_finite(scores: Tensor) -> Tensor:
    """Return the scores under patches. Raises NotFinite if any of them is NaN or infinite."""
    if not bool(scores.isfinite().all()):
        raise NotFinite(
            "The score is NaN or infinite for at least one patch. Choose another `fill`."
        )
    return scores


def spread(
    falls: Tensor, patches: Sequence[Rectangle], height: int, width: int, *, mean: bool
) -> Tensor:
    """Return the sum or the mean of the falls (patches,) of all patches that cover a pixel, (H, W).

    A pixel that no patch covers is zero.
    """
    total = torch.zeros(height, width, dtype=torch.float64)
    count = torch.zeros(height, width, dtype=torch.float64)
    for fall, (left, top, right, bottom) in zip(falls.tolist(), patches, strict=True):
        total[top:bottom, left:right] += fall
        count[top:bottom, left:right] += 1
    return (total / count.clamp(min=1) if mean else total).float()


def _starts(size: int, window: int, stride: int) -> range:
    return range(0, (ceil((size - window) / stride)) * stride + 1, stride)
