"""The convolutions of a network, by the layer they are."""

from dataclasses import dataclass

from torch import Tensor, fx

from workers.toolkit.errors import NotAConvolution
from workers.toolkit.network.graph import operator_name, tensor_inputs
from workers.toolkit.network.network import Network


@dataclass(frozen=True)
class Convolution:
    """Weights (filters, channels per filter, height, width), and whether they read the network's input itself."""

    path: str
    weight: Tensor
    groups: int
    reads_input: bool


def find_convolution(network: Network, path: str | None) -> Convolution:
    """The convolution of that layer, or the network's first. Raises NotAConvolution."""
    convolutions = [
        name for name, node in network.layers.items() if operator_name(node) == "conv2d"
    ]
    if path is None and convolutions:
        path = convolutions[0]
    if path not in convolutions:
        some = ", ".join(map(repr, convolutions[:5])) or "none"
        raise NotAConvolution(
            f"{path!r} is not a convolution. The first ones of this model: {some}."
        )
    node = network.layers[path]
    weight = network.parameter(node.args[1])
    groups = node.args[6] if len(node.args) > 6 else 1
    assert isinstance(groups, int)
    return Convolution(path, weight, groups, _reads_input(node))


def _reads_input(node: fx.Node) -> bool:
    """True if only padding stands between the input and this operator."""
    (source,) = tensor_inputs(node)[:1]
    while operator_name(source) == "pad":
        (source,) = tensor_inputs(source)[:1]
    return source.op == "placeholder"
