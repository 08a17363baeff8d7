"""What a graph computes of parameters and numbers alone: values that no image changes."""

import operator
from typing import Any

import torch
from torch import Tensor, fx

from workers.toolkit.network.graph import operator_name

# They make a tensor of zeros; of the second group one argument is the value.
_ZEROS = {"zeros", "zeros_like", "new_zeros", "zero"}
_FILLED = {"full": 1, "full_like": 1, "new_full": 2, "scalar_tensor": 0, "fill": 1}
# They give the same tensor, perhaps in other memory.
_SAME_TENSOR = {"alias", "clone", "contiguous", "detach", "lift_fresh_copy"}
# A tensor of one value keeps it in them.
_SAME_VALUE = _SAME_TENSOR | {
    "_to_copy",
    "expand",
    "expand_as",
    "reshape",
    "to",
    "unsqueeze",
    "view",
}


def input_dependent(graph: fx.Graph) -> set[fx.Node]:
    """Return the nodes that are computed from the network's input, the input included."""
    found: set[fx.Node] = set()
    for node in graph.nodes:
        if node.op == "placeholder" or not found.isdisjoint(node.all_input_nodes):
            found.add(node)
    return found


def depends_on_input(node: fx.Node) -> bool:
    """Return whether the network's input is among what the node is computed from."""
    seen, open_nodes = {node}, [node]
    while open_nodes:
        current = open_nodes.pop()
        if current.op == "placeholder":
            return True
        fresh = [source for source in current.all_input_nodes if source not in seen]
        seen.update(fresh)
        open_nodes.extend(fresh)
    return False


def constant_value(node: fx.Node) -> Tensor:
    """Compute a node that does not depend on the input.

    Raises ValueError for one that does.
    """
    if depends_on_input(node):
        raise ValueError(f"{node.name} depends on the network's input.")
    found: dict[fx.Node, Any] = {}

    def value_of(one: fx.Node) -> Any:
        if one not in found:
            found[one] = _computed(one, value_of)
        return found[one]

    with torch.no_grad():
        value = value_of(node)
    assert isinstance(value, Tensor)
    return value.detach()


def is_filled(node: fx.Node) -> bool:
    """Return whether the node makes a tensor of one number, as `zeros_like` does."""
    return operator_name(node) in _ZEROS | _FILLED.keys()


def uniform_value(argument: object) -> float | None:
    """Return the number that every element of an operator's argument equals, or None.

    The argument is a number or a node. That of `zeros_like(x)` is 0, whatever x is.
    """
    if isinstance(argument, int | float):
        return float(argument)
    if not isinstance(argument, fx.Node):
        return None
    name, given = operator_name(argument), argument.args
    if name in _ZEROS or (name == "mul" and 0 in given[:2]):
        return 0.0
    if name in _FILLED:
        return uniform_value(given[_FILLED[name]])
    if name in _SAME_VALUE:
        return uniform_value(given[0])
    return None if depends_on_input(argument) else _uniform(constant_value(argument))


def copied_from(node: fx.Node) -> fx.Node:
    """Return the node of which this one is a copy or a detached view, or the node itself."""
    while operator_name(node) in _SAME_TENSOR and isinstance(node.args[0], fx.Node):
        node = node.args[0]
    return node


def _uniform(value: Tensor) -> float | None:
    first = value.flatten()[:1]
    return float(first) if len(first) and bool((value == first).all()) else None


def _computed(node: fx.Node, value_of: Any) -> Any:
    if node.op == "get_attr":
        return operator.attrgetter(str(node.target))(node.graph.owning_module)
    args, kwargs = fx.map_arg((node.args, node.kwargs), value_of)
    assert callable(node.target)
    return node.target(*args, **kwargs)
