"""SmoothGrad: the mean explanation of noisy copies of an image (Smilkov et al. 2017)."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from workers.toolkit.execution.batch_runner import BatchRunner
from workers.toolkit.execution.replay import ReplayLog
from workers.toolkit.execution.types import Progress


@dataclass(frozen=True)
class NoisyCopies:
    """Copies of an image with Gaussian noise, which the seed decides.

    `noise` is the standard deviation as a share of max(x) − min(x). A single copy is the image
    itself, without noise.
    """

    samples: int
    noise: float
    seed: int


def smoothgrad(
    explain: Callable[[Tensor], Tensor],
    x: Tensor,
    copies: NoisyCopies,
    progress: Progress,
    log: ReplayLog | None = None,
    batch: int = 8,
) -> Tensor:
    """Return the mean explanation of noisy copies of x (1, C, H, W), without the batch axis.

    `explain` maps (B, C, H, W) to (B, …) and treats each image as if it were alone. A run that
    continues elsewhere begins where its log ends.
    """
    if copies.samples == 1:
        progress(0, 1, "")
        explanation = BatchRunner(explain).run(x)[0]
        progress(1, 1, "")
        return explanation
    generator = torch.Generator().manual_seed(copies.seed)
    deviation = copies.noise * float(x.max() - x.min())
    runner = BatchRunner(explain, series=(log or ReplayLog()).sum_series())
    total = torch.zeros(())
    for start in range(0, copies.samples, batch):
        progress(start, copies.samples, "noisy copies")
        count = min(batch, copies.samples - start)
        grain = [torch.randn(x.shape[1:], generator=generator) for _ in range(count)]
        noisy = x + deviation * torch.stack(grain).to(x.device)
        total = total.to(x.device) + runner.run(noisy)
    progress(copies.samples, copies.samples, "noisy copies")
    return total / copies.samples
