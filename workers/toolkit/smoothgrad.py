"""SmoothGrad for whatever explains a batch: the mean explanation of noisy copies (Smilkov et al. 2017)."""

from collections.abc import Callable

import torch
from torch import Tensor

Progress = Callable[[int, int, str], None]
Explain = Callable[[Tensor], Tensor]  # (B, C, H, W) → (B, …)


def smooth(
    explain: Explain, x: Tensor, *, samples: int, noise: float, seed: int, progress: Progress, batch: int = 8
) -> Tensor:
    """The mean of `explain` over `samples` copies of x (1, C, H, W) with Gaussian noise; one sample is x itself.

    `noise` is the standard deviation as a part of max(x) − min(x). The batch axis is left out of the result.
    """
    if samples == 1:
        progress(0, 1, "")
        explained = explain(x)[0]
        progress(1, 1, "")
        return explained
    generator = torch.Generator().manual_seed(seed)
    deviation = noise * float(x.max() - x.min())
    total = torch.zeros(())
    for start in range(0, samples, batch):
        progress(start, samples, "noisy copies")
        grain = [torch.randn(x.shape[1:], generator=generator) for _ in range(min(batch, samples - start))]
        total = total.to(x.device) + explain(x + deviation * torch.stack(grain).to(x.device)).sum(0)
    progress(samples, samples, "noisy copies")
    return total / samples
