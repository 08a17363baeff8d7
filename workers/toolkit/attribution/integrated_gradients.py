"""Integrated gradients by Gauss–Legendre quadrature (Sundararajan et al. 2017)."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from workers.toolkit.execution.batch_runner import BatchRunner
from workers.toolkit.execution.replay import ReplayLog

BATCH = 8


def integrated_gradients(
    gradient: Callable[[Tensor], Tensor],
    x: Tensor,
    baseline: Tensor,
    steps: int,
    progress: Callable[[int], None],
    log: ReplayLog | None = None,
    batch: int = BATCH,
) -> Tensor:
    """Return (x − baseline) · ∫ gradient along the line from baseline to x, both (1, C, H, W).

    `gradient` maps (B, C, H, W) to (B, C, H, W). `progress` gets the number of points that are
    done. A run that continues elsewhere begins where its log ends.
    """
    points, weights = _quadrature(steps, x)

    def weighted_gradients(indices: Tensor) -> Tensor:
        along = points[indices, None, None, None]
        return gradient(baseline + along * (x - baseline)) * weights[indices, None, None, None]

    runner = BatchRunner(weighted_gradients, series=(log or ReplayLog()).sum_series())
    total = torch.zeros_like(x)
    for start in range(0, steps, batch):
        progress(start)
        total += runner.run(torch.arange(start, min(start + batch, steps), device=x.device))
    progress(steps)
    return (x - baseline) * total


def _quadrature(steps: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return the points in 0..1 and their weights."""
    points, weights = np.polynomial.legendre.leggauss(steps)
    return like.new_tensor((points + 1) / 2), like.new_tensor(weights / 2)
