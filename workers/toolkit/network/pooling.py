"""Average pooling in the place of max pooling, whose gradient reaches all of a window (Gatys et al. 2016)."""

from typing import Any

import torch
from torch import fx

from workers.toolkit.errors import NoMaxPooling
from workers.toolkit.network.graph import operator_name
from workers.toolkit.network.network import Network

_DEFAULTS: tuple[Any, ...] = (
    None,
    None,
    [],
    0,
    1,
    False,
)  # input, kernel, stride, padding, dilation, ceil_mode
_NAMES = ("input", "kernel_size", "stride", "padding", "dilation", "ceil_mode")


def replace_max_pooling(network: Network) -> tuple[Network, int]:
    """The same network with average pooling, and how many poolings that are. Raises NoMaxPooling."""
    graph, copies = fx.Graph(), dict[fx.Node, fx.Node]()
    graph.output(graph.graph_copy(network.whole.graph, copies))
    pools = [node for node in graph.nodes if operator_name(node) == "max_pool2d"]
    if not pools:
        raise NoMaxPooling(
            "This model has no max pooling that could become average pooling. Send pooling=max."
        )
    for node in pools:
        _replace(node)
    sibling = fx.GraphModule(network.whole, graph)
    return network.with_graph(sibling), len(pools)


def _replace(node: fx.Node) -> None:
    given = [*node.args, *_DEFAULTS[len(node.args) :]]
    x, kernel, stride, padding, dilation, ceil_mode = (
        node.kwargs.get(name, value) for name, value in zip(_NAMES, given, strict=True)
    )
    if any(step != 1 for step in (dilation if isinstance(dilation, list | tuple) else [dilation])):
        raise NoMaxPooling(
            "Average pooling cannot be dilated as this model's max pooling is. Send pooling=max."
        )
    node.target = torch.ops.aten.avg_pool2d.default
    node.args = (
        x,
        kernel,
        stride or kernel,
        padding,
        ceil_mode,
        False,
    )  # beyond the border nothing is counted
    node.kwargs = {}
