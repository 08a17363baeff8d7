"""Which operator of the graph computes the output of which layer."""

from collections.abc import Iterator

from torch import fx

from workers.toolkit.network.graph import shape_of

Layers = dict[str, fx.Node]
"""Module path → the module's last operator."""


def layer_outputs(graph: fx.Graph) -> Layers:
    """Return the layers whose output for one image is [C] or [C, H, W], in the graph's order.

    A module that is called twice stands for its last call.
    """
    found: Layers = {}
    for node in graph.nodes:
        if node.op == "call_function":
            for path in _module_paths(node):
                found.pop(path, None)
                found[path] = node
    return {path: node for path, node in found.items() if len(shape_of(node) or ()) in (1, 3)}


def layer_type(node: fx.Node, path: str) -> str:
    """Return the class name of the module at that path."""
    for module_path, kind in _stack(node):
        if module_path == path:
            return str(kind).rsplit(".", 1)[-1].rstrip("'>")
    return "unknown"


def _module_paths(node: fx.Node) -> Iterator[str]:
    return (path for path, _ in _stack(node) if path)


def _stack(node: fx.Node) -> Iterator[tuple[str, object]]:
    for path, kind in (node.meta.get("nn_module_stack") or {}).values():
        yield path.partition("@")[0], kind
