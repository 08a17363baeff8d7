"""The layers of a graph: what each module returned, and how that tensor is laid out."""

from collections.abc import Mapping
from math import prod

import torch
from torch import Tensor, fx

from workers.toolkit.network.graph import operator_info, operator_name, shape_of
from workers.toolkit.network.grid import Grid
from workers.toolkit.network.layout import Layout, find_layout, from_canonical, to_canonical
from workers.toolkit.network.operators import PlaceEffect
from workers.toolkit.network.places import UNPROVED
from workers.toolkit.network.returned_tensors import CALL, RETURNED
from workers.toolkit.network.trace_places import trace_places

_LAYOUT = "layout"
_GRID = "grid"
_HIDDEN = "hidden_by"
# What puts places into another order, and what may do so by arranging the axes anew.
_REORDERS = frozenset(
    ["flip", "gather", "index", "index_select", "roll", "rot90", "take_along_dim"]
)
_PERMUTES = frozenset(["movedim", "permute", "swapaxes", "transpose"])

Layers = dict[str, fx.Node]
"""Module path → the node whose tensor the module returned."""


def prove_layouts(part: fx.GraphModule, input_shape: tuple[int, int, int]) -> None:
    """Mark the layout of each layer's output, or why its axes are not proved."""
    image = next(node for node in part.graph.nodes if node.op == "placeholder")
    hidden_by = dict[fx.Node, str]()  # tensors with unproved places, and the first such operator
    for node, places in trace_places(part, torch.Size((1, *input_shape))):
        if bool((places.codes == UNPROVED).any()):
            hidden_by[node] = _first_cause(node, hidden_by)
        if node.meta.get(RETURNED):
            layout = find_layout(places) if _has_batch_axis(node, image) else None
            node.meta[_LAYOUT] = layout
            node.meta[_GRID] = places.grid
            node.meta[_HIDDEN] = hidden_by.get(node, "")


def _first_cause(node: fx.Node, hidden_by: Mapping[fx.Node, str]) -> str:
    """Return the name of the operator behind which places are not proved."""
    causes = [hidden_by[source] for source in node.all_input_nodes if source in hidden_by]
    if causes:
        return causes[0]
    # An operator that is understood fails on what an earlier one has put into another order.
    is_understood = operator_info(node).effect is not None
    return (is_understood and _nearest(node, _REORDERS | _PERMUTES)) or operator_name(node)


def _nearest(node: fx.Node, names: frozenset[str]) -> str:
    """Return the nearest of these operators, or nothing; between, values are moved or kept only."""
    found, open_nodes = {node}, [node]
    while open_nodes:
        current = open_nodes.pop(0)
        if operator_name(current) in names:
            return operator_name(current)
        if current is node or operator_info(current).effect in (
            PlaceEffect.MOVES,
            PlaceEffect.KEEPS,
        ):
            fresh = [source for source in current.all_input_nodes if source not in found]
            found.update(fresh)
            open_nodes += fresh
    return ""


def layer_outputs(graph: fx.Graph) -> Layers:
    """Return the layers whose axes are proved, in the graph's order."""
    return {path: node for node in _proved(graph, True) for path in node.meta[RETURNED]}


def unproved_layers(graph: fx.Graph) -> Layers:
    """Return the modules whose output the image reaches and whose axes are not proved."""
    return {path: node for node in _proved(graph, False) for path in node.meta[RETURNED]}


def is_hidden(node: fx.Node) -> bool:
    """Return whether an operator that is not understood has hidden the places of the output."""
    return bool(node.meta[_HIDDEN])


def may_be_map(node: fx.Node) -> bool:
    """Return whether the output for one image has a second axis, of more than one value."""
    return prod((shape_of(node) or ())[1:]) > 1


def unproved_reason(node: fx.Node) -> str:
    """Return why the axes of a module's output are not proved."""
    if hidden_by := node.meta[_HIDDEN]:
        return f"Which axes of its output are places is not proved behind the operator {hidden_by}."
    if may_be_map(node) and (operator := _nearest(node, _REORDERS)):
        return f"Its places are not in the image's order, behind the operator {operator}."
    return "Its output is neither a vector nor a map of places with the batch axis first."


def _proved(graph: fx.Graph, wanted: bool) -> list[fx.Node]:
    return [
        node
        for node in graph.nodes
        if _LAYOUT in node.meta and (node.meta[_LAYOUT] is not None) == wanted
    ]


def layer_type(node: fx.Node, path: str) -> str:
    """Return the class name of the module at that path."""
    return str(node.meta[RETURNED][path])


def call_of(node: fx.Node, path: str) -> int:
    """Return at which call of the module at that path the node's tensor is returned, 1 or more."""
    return int(node.meta[CALL][path])


def layout_of(node: fx.Node) -> Layout:
    """Return the layout of a layer's output."""
    layout: Layout = node.meta[_LAYOUT]
    return layout


def grid_of(node: fx.Node) -> Grid | None:
    """Return where the places of a layer's map lie in the image; None for a single place."""
    grid: Grid | None = node.meta[_GRID]
    return grid


def canonical(node: fx.Node, output: Tensor) -> Tensor:
    """Return what the layer's module returned as (B, C) or (B, C, H, W)."""
    layout = layout_of(node)
    return to_canonical(output, layout.kind, layout.prefix, layout.grid, layout.order)


def insert_map(graph: fx.Graph, layer: fx.Node, copy: fx.Node) -> tuple[fx.Node, fx.Node]:
    """Return a node with the layer's output as (B, C) or (B, C, H, W), and one to go on with.

    `copy` is the copy of the layer's node in that graph. What follows is computed from the map, so
    that it has a gradient by the map.
    """
    layout = layout_of(layer)
    if layout.is_plain:
        return copy, copy
    arguments = (layout.kind, layout.prefix, layout.grid, layout.order)
    made = graph.call_function(to_canonical, (copy, *arguments))
    made.meta["val"] = canonical(layer, layer.meta["val"])
    restored = graph.call_function(
        from_canonical, (made, copy, layout.kind, layout.prefix, layout.order)
    )
    restored.meta["val"] = layer.meta["val"]
    return made, restored


def _has_batch_axis(node: fx.Node, image: fx.Node) -> bool:
    """Return whether the first axis of the node's tensor is the batch, and no more."""
    value = node.meta.get("val")
    return (
        isinstance(value, Tensor)
        and bool(value.ndim)
        and (str(value.shape[0]) == str(image.meta["val"].shape[0]))
    )
