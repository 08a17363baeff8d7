"""Integrated gradients by Gauss–Legendre quadrature (Sundararajan et al. 2017)."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from workers.toolkit.execution.memory import fitting
from workers.toolkit.execution.replay import ReplayLog

BATCH = 8


def integrated_gradients(
    gradient: Callable[[Tensor], Tensor],
    x: Tensor,
    baseline: Tensor,
    steps: int,
    progress: Callable[[int], None],
    record: ReplayLog | None = None,
    batch: int = BATCH,
) -> Tensor:
    """(x − baseline) · ∫ gradient along the line between, for one image (1, C, H, W) → (1, C, H, W).

    `gradient` maps (B, C, H, W) to (B, C, H, W); `progress` is told how many points are done.
    """
    gradient = fitting(gradient)
    points, weights = _quadrature(steps, x)
    total = torch.zeros_like(x)

    def weighted(indices: Tensor) -> Tensor:
        along, weight = points[indices, None, None, None], weights[indices, None, None, None]
        return gradient(baseline + along * (x - baseline)) * weight

    add = (record or ReplayLog()).summed(weighted)
    for start in range(0, steps, batch):
        progress(start)
        total += add(torch.arange(start, min(start + batch, steps), device=x.device))
    progress(steps)
    return (x - baseline) * total


def _quadrature(steps: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Points and weights on 0..1."""
    points, weights = np.polynomial.legendre.leggauss(steps)
    return like.new_tensor((points + 1) / 2), like.new_tensor(weights / 2)
