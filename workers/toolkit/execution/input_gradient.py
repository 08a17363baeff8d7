"""The gradient of a unit with respect to the network's input."""

from collections.abc import Sequence

import torch
from torch import Tensor

from workers.toolkit.errors import NotFinite
from workers.toolkit.execution.batches import batch_size
from workers.toolkit.execution.dynamic_batching import BatchableFunction
from workers.toolkit.execution.gradients import gradient_by_image
from workers.toolkit.network.network import Network, Rule
from workers.toolkit.network.unit import Unit, read_each


def input_gradient(network: Network, unit: Unit, x: Tensor, rule: Rule | None = None) -> Tensor:
    """Return ∂ unit / ∂ x for each image: (B, C, H, W) → (B, C, H, W).

    Raises NoGradient or NotFinite.
    """

    def gradients(units: Sequence[Unit], x: Tensor) -> Tensor:
        x = x.detach().requires_grad_()
        with torch.enable_grad():
            value = read_each(units, network.run(x, unit.path, rule))
        return gradient_by_image(value, x)

    def most() -> int:
        return batch_size(network, unit.path, rule=rule, gradient=True)

    key = (network, "gradient", unit.path, rule)
    gradient = BatchableFunction(key, unit, gradients, most)(x)
    if not bool(gradient.isfinite().all()):
        raise NotFinite("The gradient is NaN or infinite.")
    return gradient


def strongest_channel(gradient: Tensor) -> Tensor:
    """Return, per pixel, the entry of largest magnitude with its sign: (C, H, W) → (H, W)."""
    index = gradient.abs().argmax(0, keepdim=True)
    return gradient.gather(0, index)[0]


def gradient_magnitude(gradient: Tensor) -> Tensor:
    """Return, per pixel, the largest magnitude: (C, H, W) → (H, W)."""
    return strongest_channel(gradient).abs()
