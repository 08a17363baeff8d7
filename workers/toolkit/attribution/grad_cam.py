"""Class activation maps from gradients (Selvaraju et al. 2017)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from workers.toolkit.errors import LayerWithoutMap, NotBehind
from workers.toolkit.execution.batches import batch_size, in_pieces
from workers.toolkit.execution.dynamic_batching import dynamically_batched
from workers.toolkit.network.maps import has_map
from workers.toolkit.network.network import Network
from workers.toolkit.network.unit import Unit, read_each


def class_activation_map(network: Network, unit: Unit, path: str, x: Tensor) -> Tensor:
    """Σ_c mean(∂ unit / ∂ A_c) · A_c for each image: (B, C, H, W) → (B, h, w). Raises LayerWithoutMap or NotBehind."""
    if not has_map(network, path):
        raise LayerWithoutMap(
            f"The output of {path!r} is not a map. Name a layer of shape [C, H, W]."
        )

    def at_once(units: Sequence[Unit], x: Tensor) -> Tensor:
        x = x.detach().requires_grad_()
        with torch.enable_grad():
            activation, output = network.run_all(x, (path, unit.path))
            value = read_each(units, output).sum()
        (gradient,) = torch.autograd.grad(value, activation, allow_unused=True)
        if gradient is None:
            raise NotBehind(f"The target does not depend on {path!r}. Name a layer before it.")
        weights = gradient.mean((2, 3), keepdim=True)  # (B, c, 1, 1)
        return (weights * activation).sum(1).detach()

    def most() -> int:
        return batch_size(network, path, unit.path, gradient=True)

    return dynamically_batched(
        (network, "grad_cam", path, unit.path), unit, x, in_pieces(at_once, most)
    )
