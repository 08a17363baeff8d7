"""Follow the places of an image's values through a graph, as `places` defines them.

The graph is run on codes instead of values. So every reshape, window partition and concatenation
is followed as it is, and nothing is concluded from the shape of a tensor.
"""

import operator
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, fx
from torch.utils._pytree import tree_map

from workers.toolkit.network.graph import last_uses, operator_info, operator_name
from workers.toolkit.network.operators import PlaceEffect
from workers.toolkit.network.place_rules import Named, call, find_places
from workers.toolkit.network.places import Places, image_places
from workers.toolkit.network.windows import arguments


class _Traced:
    """A value of the graph: its places, and a tensor without data that has its shape and type."""

    def __init__(self, places: Places, like: Tensor) -> None:
        self.places = places
        self.like = like  # on the meta device


@torch.no_grad()
def trace_places(part: fx.GraphModule, image: torch.Size) -> Iterator[tuple[fx.Node, Places]]:
    """Yield the places of each tensor that the image (1, C, H, W) reaches, in the graph's order.

    A tensor's places are forgotten once no operator needs them.
    """
    values: dict[fx.Node, Any] = {}
    done_after = last_uses(node for node in part.graph.nodes if node.op != "output")
    device = next(part.parameters()).device
    for node in part.graph.nodes:
        if node.op == "placeholder":
            like = torch.empty(image, device="meta", dtype=node.meta["val"].dtype)
            values[node] = _Traced(image_places(image, device), like)
        elif node.op == "get_attr":
            values[node] = operator.attrgetter(str(node.target))(part)
        elif node.op == "call_function":
            values[node] = _result(node, values)
            if isinstance(values[node], _Traced):
                yield node, values[node].places
        for done in done_after.get(node, ()):
            del values[done]


def _result(node: fx.Node, values: dict[fx.Node, Any]) -> Any:
    given = _arguments(node, values)
    if node.target is operator.getitem:
        source, index = given.values()
        return source[index]
    traced = _traced_in(given)
    if not traced:
        return call(node, given)
    if operator_name(node) == "sym_size":
        return next(iter(traced)).like.shape[given["dim"]]
    if operator_info(node).effect is PlaceEffect.CREATES:
        return call(node, tree_map(_to_empty, given))
    results = _results_without_data(node, given)
    likes = [results] if isinstance(results, Tensor) else list(results or ())
    found = find_places(node, tree_map(_to_places, given), [like.shape for like in likes])
    traced_results = [_Traced(*pair) for pair in zip(found, likes, strict=True)]
    return traced_results[0] if isinstance(results, Tensor) else traced_results


def _results_without_data(node: fx.Node, given: Named) -> Any:
    """Return the results on the meta device: their shapes and types, without values."""
    try:
        return call(node, tree_map(_to_meta, given))
    except (RuntimeError, NotImplementedError, IndexError, TypeError, ValueError):
        # Not every operator runs there. The export knows the shapes but for the batch.
        return tree_map(_of_one_image, node.meta.get("val"))


def _of_one_image(value: Any) -> Any:
    if not isinstance(value, Tensor):
        return value
    shape = [_size_of_one_image(size) for size in value.shape]
    return torch.empty(shape, dtype=value.dtype, device="meta")


def _size_of_one_image(size: int | torch.SymInt) -> int:
    """Return a size for a batch of one: a size may be a multiple of the batch's, as of windows."""
    if isinstance(size, int):
        return size
    expression = size.node.expr
    return int(expression.subs(dict.fromkeys(expression.free_symbols, 1)))


def _arguments(node: fx.Node, values: dict[fx.Node, Any]) -> Named:
    """Return the arguments by name, with the values that stand for them."""
    named = (
        arguments(node)
        if isinstance(node.target, torch._ops.OpOverload)
        else {str(i): argument for i, argument in enumerate(node.args)}
    )
    found: Named = fx.node.map_arg(named, values.__getitem__)
    return found


def _traced_in(given: Named) -> list[_Traced]:
    found: list[_Traced] = []
    tree_map(lambda value: found.append(value) if isinstance(value, _Traced) else None, given)
    return found


def _to_meta(value: Any) -> Any:
    if isinstance(value, _Traced):
        return value.like
    if isinstance(value, torch.device):
        return torch.device("meta")
    return value.to("meta") if isinstance(value, Tensor) else value


def _to_empty(value: Any) -> Any:
    if not isinstance(value, _Traced):
        return value
    return torch.zeros(value.like.shape, dtype=value.like.dtype, device=value.places.codes.device)


def _to_places(value: Any) -> Any:
    return value.places if isinstance(value, _Traced) else value
