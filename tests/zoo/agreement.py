"""How far the network is from the eager module: outputs, input gradient and every listed layer."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn

from workers.toolkit.network.network import Network

# A layer's own rounding is compared with this share of the largest value of all layers at least.
_SMALLEST = 1e-30


@dataclass(frozen=True)
class Agreement:
    """The largest difference, relative to the largest value, in one precision."""

    logits: float
    gradient: float
    layers: float
    worst_layer: str


def agreement(network: Network, module: nn.Module, x: Tensor) -> Agreement:
    """Compare a network with the eager module on x (B, C, H, W), which both take as it is.

    The module is contiguous; nothing of it is folded or exported.
    """
    expected, gradient = _with_gradient(module, x)
    found, own_gradient = _with_gradient(network.logits, x)
    layers = layer_differences(network, returned_by_modules(module, x), x)
    worst = max(layers, key=lambda path: layers[path], default="")
    return Agreement(
        difference(found, expected),
        difference(own_gradient, gradient),
        layers.get(worst, 0.0),
        worst,
    )


def in_double(network: Network) -> Network:
    """Return the same graph in double precision, with weights of its own.

    Casts to float32 become casts to float64, also in the graphs that operators such as an autocast
    region hold.
    """
    graph = copy.deepcopy(network.whole).double()
    for part in graph.modules():
        if isinstance(part, fx.GraphModule):
            for node in part.graph.nodes:
                node.args = tuple(map(_doubled, node.args))
                node.kwargs = {name: _doubled(value) for name, value in node.kwargs.items()}
            part.recompile()
    return Network(graph, *network.input_shape, graph=graph)


def _doubled(argument: object) -> object:
    return torch.float64 if argument is torch.float32 else argument


@torch.no_grad()
def returned_by_modules(module: nn.Module, x: Tensor) -> dict[str, object]:
    """Return what every submodule returned last; tensors are copied before they can change."""
    seen: dict[str, object] = {}

    def keep(path: str, output: object) -> None:
        seen[path] = output.clone() if isinstance(output, Tensor) else output

    handles = [
        part.register_forward_hook(lambda _part, _given, output, path=path: keep(path, output))
        for path, part in module.named_modules()
        if path
    ]
    module(x.clone())
    for handle in handles:
        handle.remove()
    return seen


def layer_differences(
    network: Network, expected: Mapping[str, object], x: Tensor
) -> dict[str, float]:
    """Return for each listed layer how far it is from what a hook on its module saw.

    It is infinite where that is no tensor, or one of another shape.
    """
    paths = tuple(network.layers)
    with torch.no_grad():
        outputs = network.run_all(x, paths)
    return {
        path: difference(output, _like_layer(network, path, expected.get(path)))
        for path, output in zip(paths, outputs, strict=True)
    }


def difference(found: Tensor, expected: object) -> float:
    """Return the largest difference, relative to the largest expected value."""
    if not isinstance(expected, Tensor) or found.shape != expected.shape:
        return float("inf")
    largest = max(float(expected.abs().max()), _SMALLEST)
    return float((found - expected).abs().max()) / largest


def _like_layer(network: Network, path: str, output: object) -> object:
    """Return what a module returned, laid out as the network gives it."""
    canonical = getattr(network, "canonical", None)
    return canonical(path, output) if canonical and isinstance(output, Tensor) else output


def _with_gradient(function: object, x: Tensor) -> tuple[Tensor, Tensor]:
    assert callable(function)
    x = x.detach().clone().requires_grad_()
    output = function(x)
    weights = torch.linspace(-1, 1, output[0].numel(), dtype=x.dtype).reshape(output[0].shape)
    (gradient,) = torch.autograd.grad((output * weights).sum(), x)
    return output.detach(), gradient
