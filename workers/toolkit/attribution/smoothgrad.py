"""SmoothGrad for whatever explains a batch: the mean explanation of noisy copies (Smilkov et al. 2017)."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from workers.toolkit.execution.memory import fitting
from workers.toolkit.execution.replay import ReplayLog

Progress = Callable[[int, int, str], None]
Explain = Callable[[Tensor], Tensor]  # (B, C, H, W) → (B, …)


class SmoothGrad(Protocol):
    """The parameters, as the catalog has them."""

    @property
    def samples(self) -> int: ...
    @property
    def noise(self) -> float: ...


def smoothgrad(
    explain: Explain,
    x: Tensor,
    params: SmoothGrad,
    seed: int,
    progress: Progress,
    record: ReplayLog | None = None,
    batch: int = 8,
) -> Tensor:
    """The mean of `explain` over `samples` copies of x (1, C, H, W) with Gaussian noise; one sample is x itself.

    `noise` is the standard deviation as a part of max(x) − min(x). The batch axis is left out of the result.
    A run that goes on elsewhere begins where its record ends.
    """
    samples, explain = params.samples, fitting(explain)
    if samples == 1:
        progress(0, 1, "")
        explained = explain(x)[0]
        progress(1, 1, "")
        return explained
    generator = torch.Generator().manual_seed(seed)
    deviation = params.noise * float(x.max() - x.min())
    total, add = torch.zeros(()), (record or ReplayLog()).summed(explain)
    for start in range(0, samples, batch):
        progress(start, samples, "noisy copies")
        grain = [
            torch.randn(x.shape[1:], generator=generator)
            for _ in range(min(batch, samples - start))
        ]
        total = total.to(x.device) + add(x + deviation * torch.stack(grain).to(x.device))
    progress(samples, samples, "noisy copies")
    return total / samples
