"""Record, while a model is exported, which tensor each of its modules returns."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, fx, nn

RETURNED = "returned_by"
"""The key in a node's meta of the modules that return its tensor: path → class name."""

CALL = "returned_at_call"
"""The key of the call at which each of them does so, 1 for the first: path → number."""


class ReturnedTensors:
    """What the modules of a model returned while it was exported.

    The exported graph returns these tensors after the model's own output, in the same order.
    """

    def __init__(self) -> None:
        self._calls: dict[str, int] = {}
        self._found: list[tuple[str, int, str, Tensor]] = []  # path, call, class name, tensor

    @contextmanager
    def recorded(self, module: nn.Module) -> Iterator[None]:
        """Make the model also return a copy of every tensor that one of its modules returns.

        A copy is taken at once, since a later operator may overwrite the tensor.
        """
        hooks = [
            inner.register_forward_hook(self._keeper(path))
            for path, inner in module.named_modules()
            if path
        ]
        hooks.append(module.register_forward_hook(self._append))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def strip(self, graph: fx.Graph) -> None:
        """Make the graph return the model's own output only, and mark the nodes of the layers.

        Of a module that is called twice, the last call counts on which the output depends, or else
        the last one.
        """
        (output,) = (node for node in graph.nodes if node.op == "output")
        returned = list(output.args[0])
        first = len(returned) - len(self._found)
        own, copies = returned[:first], returned[first:]
        output.args = (own[0] if first == 1 else tuple(own),)
        graph._codegen = fx.graph.CodeGen()
        self._mark(copies, needed_by([node for node in own if isinstance(node, fx.Node)]))
        for copy in copies:
            graph.erase_node(copy)

    def _mark(self, copies: list[fx.Node], needed: set[fx.Node]) -> None:
        chosen: dict[str, tuple[int, str, fx.Node]] = {}
        for (path, call, kind, _), copy in zip(self._found, copies, strict=True):
            source = copy.args[0]
            assert isinstance(source, fx.Node)
            if (call == self._calls[path] and path not in chosen) or source in needed:
                chosen[path] = (call, kind, source)
        for path, (call, kind, source) in chosen.items():
            source.meta[RETURNED] = source.meta.get(RETURNED, {}) | {path: kind}
            source.meta[CALL] = source.meta.get(CALL, {}) | {path: call}

    def _keeper(self, path: str) -> Any:
        def keep(module: nn.Module, _given: Any, returned: Any) -> None:
            self._calls[path] = call = self._calls.get(path, 0) + 1
            if isinstance(returned, Tensor) and returned.is_floating_point():
                self._found.append((path, call, type(module).__name__, returned.clone()))

        return keep

    def _append(self, _module: nn.Module, _given: Any, output: Any) -> Any:
        return output, [tensor for *_, tensor in self._found]


def needed_by(nodes: list[fx.Node]) -> set[fx.Node]:
    """Return the nodes and everything that they depend on, parameters included."""
    found, open_nodes = set(nodes), list(nodes)
    while open_nodes:
        for source in open_nodes.pop().all_input_nodes:
            if source not in found:
                found.add(source)
                open_nodes.append(source)
    return found
