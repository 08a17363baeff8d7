"""The convolutions of a network, by the layers that they are."""

from dataclasses import dataclass

from torch import Tensor, fx

from workers.toolkit.errors import NotAConvolution
from workers.toolkit.network.constants import constant_value, depends_on_input
from workers.toolkit.network.graph import operator_name, tensor_inputs
from workers.toolkit.network.network import Network
from workers.toolkit.network.windows import arguments


@dataclass(frozen=True)
class Convolution:
    """A convolution's weights (filters, channels per filter, height, width) and its input.

    `computed` says whether the network computes the weights from its parameters, as weight
    standardization does; they are those that the convolution really uses. `reads_input` says
    whether its input is that of the network.
    """

    path: str
    weight: Tensor
    computed: bool
    groups: int
    reads_input: bool


def find_convolution(network: Network, path: str | None) -> Convolution:
    """Return the convolution of that layer, or the network's first. Raises NotAConvolution."""
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
    given = arguments(node)
    weight = given["weight"]
    if depends_on_input(weight):
        raise NotAConvolution(f"The weights of {path!r} depend on the image: it has no filters.")
    return Convolution(
        path,
        constant_value(weight),
        computed=weight.op != "get_attr",
        groups=int(given["groups"]),
        reads_input=_reads_input(node),
    )


def _reads_input(node: fx.Node) -> bool:
    """Return True if only padding lies between the input and this operator."""
    (source,) = tensor_inputs(node)[:1]
    while operator_name(source) == "pad":
        (source,) = tensor_inputs(source)[:1]
    return source.op == "placeholder"
