"""Class activation maps from gradients (Selvaraju et al. 2017)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from workers.toolkit.errors import LayerWithoutMap, NoGradient, NotBehind, TechniqueError
from workers.toolkit.execution.batches import batch_size
from workers.toolkit.execution.dynamic_batching import BatchableFunction
from workers.toolkit.execution.gradients import find_gradient
from workers.toolkit.network.attached_layers import attach_layers
from workers.toolkit.network.maps import has_map
from workers.toolkit.network.network import Network
from workers.toolkit.network.unit import Unit, read_each


def class_activation_map(network: Network, unit: Unit, path: str, x: Tensor) -> Tensor:
    """Return Σ_c mean(∂ unit / ∂ A_c) · A_c of the layer for each image: (B, C, H, W) → (B, h, w).

    No gradient of the layer by the image is needed. Calls of several threads may run as one batch.
    Raises LayerWithoutMap, NoGradient or NotBehind.
    """
    if not has_map(network, path):
        raise LayerWithoutMap(
            f"The output of {path!r} is not a map. Name a layer of shape [C, H, W]."
        )

    attached = attach_layers(network)

    def maps(units: Sequence[Unit], x: Tensor) -> Tensor:
        x = x.detach().requires_grad_()
        with torch.enable_grad():
            activation, output = attached.run_uncut(x, (path, unit.path))
            value = read_each(units, output[: len(x)])
        gradient = find_gradient(value, activation)
        if gradient is None:
            raise _refusal(network, unit, path)
        weights = gradient.mean((2, 3), keepdim=True)  # (B, c, 1, 1)
        return (weights * activation)[: len(x)].sum(1).detach()

    def most() -> int:
        return batch_size(network, path, unit.path, gradient=True)

    key = (network, "grad_cam", path, unit.path)
    return BatchableFunction(key, unit, maps, most)(x)


def _refusal(network: Network, unit: Unit, path: str) -> TechniqueError:
    """Return why the target has no gradient with respect to the layer."""
    if network.layers[path] not in network.operators(unit.path):
        return NotBehind(f"The target does not depend on {path!r}. Name a layer before it.")
    return NoGradient(
        f"The target has no gradient with respect to {path!r}: a step between them, such as "
        "detach() or a comparison, has none. Name a later `layer`, or use occlusion or rise, which "
        "need no gradient."
    )
