"""The layers of a graph: what each module returned, and how that tensor is laid out."""

import torch
from torch import Tensor, fx

from workers.toolkit.network.layout import Layout, find_layout, from_canonical, to_canonical
from workers.toolkit.network.returned_tensors import RETURNED
from workers.toolkit.network.trace_places import trace_places

_LAYOUT = "layout"

Layers = dict[str, fx.Node]
"""Module path → the node whose tensor the module returned."""


def prove_layouts(part: fx.GraphModule, input_shape: tuple[int, int, int]) -> None:
    """Mark the layout of each layer's output; a tensor whose axes are not proved is no layer."""
    image = next(node for node in part.graph.nodes if node.op == "placeholder")
    proved = set()
    for node, places in trace_places(part, torch.Size((1, *input_shape))):
        if node.meta.get(RETURNED) and _has_batch_axis(node, image):
            node.meta[_LAYOUT] = find_layout(places)
            proved.add(node)
    for node in part.graph.nodes:
        if node not in proved or node.meta[_LAYOUT] is None:
            node.meta.pop(RETURNED, None)


def layer_outputs(graph: fx.Graph) -> Layers:
    """Return the layers whose axes are proved, in the graph's order."""
    return {path: node for node in graph.nodes for path in node.meta.get(RETURNED, ())}


def layer_type(node: fx.Node, path: str) -> str:
    """Return the class name of the module at that path."""
    return str(node.meta[RETURNED][path])


def layout_of(node: fx.Node) -> Layout:
    """Return the layout of a layer's output."""
    layout: Layout = node.meta[_LAYOUT]
    return layout


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
