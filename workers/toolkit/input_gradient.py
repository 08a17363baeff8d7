"""The gradient of a unit with respect to the network's input."""

from collections.abc import Sequence

import torch
from torch import Tensor

from workers.toolkit.batches import batch_size
from workers.toolkit.errors import NotFinite
from workers.toolkit.gathering import gathered
from workers.toolkit.network import Network, Rule
from workers.toolkit.unit import Unit, read_each


def input_gradient(network: Network, unit: Unit, x: Tensor, rule: Rule | None = None) -> Tensor:
    """∂ unit / ∂ x for each image: (B, C, H, W) → (B, C, H, W). Raises NotFinite."""

    def together(units: Sequence[Unit], x: Tensor) -> Tensor:
        x = x.detach().requires_grad_()
        with torch.enable_grad():
            value = read_each(units, network.run(x, unit.path, rule)).sum()
        return torch.autograd.grad(value, x)[0]

    most = batch_size(network, unit.path, rule=rule, gradient=True) if len(x) > 1 else 1
    pieces: tuple[Tensor, ...] = torch.split(x, most)
    key = (network, "gradient", unit.path, rule)
    gradient = torch.cat([gathered(key, unit, piece, together) for piece in pieces])
    if not bool(gradient.isfinite().all()):
        raise NotFinite("The gradient is NaN or infinite.")
    return gradient


def _gradient(network: Network, unit: Unit, x: Tensor, rule: Rule | None) -> Tensor:
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        value = unit.value(network, x, rule).sum()
    return torch.autograd.grad(value, x)[0]


def strongest_channel(gradient: Tensor) -> Tensor:
    """(C, H, W) → (H, W): per pixel the entry of largest magnitude, with its sign."""
    index = gradient.abs().argmax(0, keepdim=True)
    return gradient.gather(0, index)[0]


def strength(gradient: Tensor) -> Tensor:
    """(C, H, W) → (H, W): per pixel the largest magnitude."""
    return strongest_channel(gradient).abs()
