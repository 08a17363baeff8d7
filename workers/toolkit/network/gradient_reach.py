"""Which tensors of a graph have a gradient with respect to the image."""

from collections.abc import Collection

from torch import Tensor, fx

from workers.toolkit.network.graph import operator_info


def with_gradient(graph: fx.Graph, leaves: Collection[fx.Node] | None = None) -> set[fx.Node]:
    """Return the nodes through which a gradient flows back to the leaves: by default, the image.

    It does not flow through `detach`, through steps such as `round`, whose derivative is zero, or
    through numbers that are not floating: comparisons, indices, bytes, sizes.
    """
    if leaves is None:
        leaves = {node for node in graph.nodes if node.op == "placeholder"}
    reached: set[fx.Node] = set()
    for node in graph.nodes:
        sources = node.all_input_nodes
        if node in leaves or (_passes(node) and not reached.isdisjoint(sources)):
            reached.add(node)
    return reached


def _passes(node: fx.Node) -> bool:
    if operator_info(node).stops_gradient or node.kwargs.get("rounding_mode"):
        return False
    value = node.meta.get("val")
    if isinstance(value, Tensor):
        return value.dtype.is_floating_point or value.is_complex()
    # Of an operator with several results, `getitem` selects one, which has a type of its own.
    return isinstance(value, list | tuple)
