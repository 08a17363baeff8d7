"""The gradient of a unit with respect to the network's input, plain or averaged over noisy copies (SmoothGrad)."""

from collections.abc import Callable

import torch
from torch import Tensor

from workers.toolkit.errors import NotFinite
from workers.toolkit.network import Network, Rule
from workers.toolkit.unit import Unit

_BATCH = 8

Progress = Callable[[int, int, str], None]


def input_gradient(network: Network, unit: Unit, x: Tensor, rule: Rule | None = None) -> Tensor:
    """∂ unit / ∂ x for each image: (B, C, H, W) → (B, C, H, W). Raises NotFinite."""
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        value = unit.value(network, x, rule).sum()
    (gradient,) = torch.autograd.grad(value, x)
    if not bool(gradient.isfinite().all()):
        raise NotFinite("The gradient is NaN or infinite.")
    return gradient


def smooth_gradient(
    network: Network,
    unit: Unit,
    x: Tensor,
    *,
    samples: int,
    noise: float,
    seed: int,
    progress: Progress,
    rule: Rule | None = None,
) -> Tensor:
    """The mean gradient over `samples` copies of x (1, C, H, W) with Gaussian noise (Smilkov et al. 2017).

    `noise` is the standard deviation as a part of max(x) − min(x). One sample is the plain gradient. → (C, H, W)
    """
    if samples == 1:
        progress(0, 1, "")
        gradient = input_gradient(network, unit, x, rule)[0]
        progress(1, 1, "")
        return gradient
    generator = torch.Generator().manual_seed(seed)
    deviation = noise * float(x.max() - x.min())
    total = torch.zeros_like(x[0])
    for start in range(0, samples, _BATCH):
        progress(start, samples, "noisy copies")
        count = min(_BATCH, samples - start)
        grain = [torch.randn(x.shape[1:], generator=generator) for _ in range(count)]
        copies = x + deviation * torch.stack(grain).to(x.device)
        total += input_gradient(network, unit, copies, rule).sum(0)
    progress(samples, samples, "noisy copies")
    return total / samples


def strongest_channel(gradient: Tensor) -> Tensor:
    """(C, H, W) → (H, W): per pixel the entry of largest magnitude, with its sign."""
    index = gradient.abs().argmax(0, keepdim=True)
    return gradient.gather(0, index)[0]
