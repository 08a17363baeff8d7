"""Occlusion by plain batches: every patch position is one whole forward pass. Exact, and the oracle of faster ways."""

from collections.abc import Callable, Sequence
from itertools import product
from math import ceil

import torch
from torch import Tensor

from workers.toolkit.errors import NotFinite

Rectangle = tuple[int, int, int, int]  # left, top, right, bottom
Score = Callable[[Tensor], Tensor]  # (B, C, H, W) → (B,)
Progress = Callable[[int, int, str], None]

BATCH = 16


def rectangles(height: int, width: int, window: int, stride: int) -> list[Rectangle]:
    """The patches, row by row, from the top left corner; the last ones are cut off at the edge."""
    tops, lefts = _starts(height, window, stride), _starts(width, window, stride)
    return [
        (left, top, min(left + window, width), min(top + window, height))
        for top, left in product(tops, lefts)
    ]


@torch.no_grad()
def occluded_scores(
    score: Score,
    x: Tensor,
    patches: Sequence[Rectangle],
    fill: Tensor,
    progress: Progress,
    batch: int = BATCH,
) -> Tensor:
    """The score of x (1, C, H, W) under each patch, → (patches,). `fill` (C, H, W) is what a patch shows."""
    scores = []
    for start in range(0, len(patches), batch):
        progress(start, len(patches), "patches")
        some = patches[start : start + batch]
        covered = x.repeat(len(some), 1, 1, 1)
        for image, (left, top, right, bottom) in zip(covered, some, strict=True):
            image[:, top:bottom, left:right] = fill[:, top:bottom, left:right]
        scores.append(score(covered))
    progress(len(patches), len(patches), "patches")
    together = torch.cat(scores)
    if not bool(together.isfinite().all()):
        raise NotFinite("The score is NaN or infinite under some patch. Try another fill.")
    return together


def spread(
    falls: Tensor, patches: Sequence[Rectangle], height: int, width: int, *, mean: bool
) -> Tensor:
    """Give every pixel the sum or the mean of the falls (patches,) of the patches that cover it, → (H, W)."""
    total = torch.zeros(height, width, dtype=torch.float64)
    count = torch.zeros(height, width, dtype=torch.float64)
    for fall, (left, top, right, bottom) in zip(falls.tolist(), patches, strict=True):
        total[top:bottom, left:right] += fall
        count[top:bottom, left:right] += 1
    return (total / count.clamp(min=1) if mean else total).float()


def _starts(size: int, window: int, stride: int) -> range:
    return range(0, (ceil((size - window) / stride)) * stride + 1, stride)
