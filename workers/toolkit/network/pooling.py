"""Average pooling in place of max pooling.

Its gradient reaches all of a window (Gatys et al. 2016).
"""

import torch
from torch import fx

from workers.toolkit.errors import NoMaxPooling
from workers.toolkit.network.graph import operator_name
from workers.toolkit.network.network import Network
from workers.toolkit.network.windows import arguments, pair


def replace_max_pooling(network: Network) -> tuple[Network, int]:
    """Return the same network with average pooling, and how many poolings were replaced.

    Raises NoMaxPooling.
    """
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
    given = arguments(node)
    if pair(given["dilation"]) != (1, 1):
        raise NoMaxPooling(
            "Average pooling cannot be dilated as this model's max pooling is. Send pooling=max."
        )
    kernel = given["kernel_size"]
    count_padding = False
    node.target = torch.ops.aten.avg_pool2d.default
    node.args = (
        given["self"],
        kernel,
        given["stride"] or kernel,
        given["padding"],
        given["ceil_mode"],
        count_padding,
    )
    node.kwargs = {}
