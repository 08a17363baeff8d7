"""Record, while a model is exported, which tensor each of its modules returns."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, fx, nn

RETURNED = "returned_by"
"""The key in a node's meta of the modules that return its tensor: path → class name."""


class ReturnedTensors:
    """What the modules of a model returned while it was exported.

    The exported graph returns these tensors after the model's own output, in the same order.
    """

    def __init__(self) -> None:
        self._found: dict[str, tuple[str, Tensor]] = {}

    @contextmanager
    def recorded(self, module: nn.Module) -> Iterator[None]:
        """Make the model also return a copy of every tensor that one of its modules returns.

        A copy is taken at once, since a later operator may overwrite the tensor. Of a module that
        is called twice, the last call counts.
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
        """Make the graph return the model's own output only, and mark the nodes of the layers."""
        (output,) = (node for node in graph.nodes if node.op == "output")
        returned = list(output.args[0])
        first = len(returned) - len(self._found)
        copies = []
        for (path, (kind, _)), copy in zip(self._found.items(), returned[first:], strict=True):
            source = copy.args[0]
            copies.append(copy)
            source.meta[RETURNED] = source.meta.get(RETURNED, {}) | {path: kind}
        output.args = (returned[0] if first == 1 else tuple(returned[:first]),)
        graph._codegen = fx.graph.CodeGen()
        for copy in copies:
            graph.erase_node(copy)

    def _keeper(self, path: str) -> Any:
        def keep(module: nn.Module, _given: Any, returned: Any) -> None:
            self._found.pop(path, None)
            if isinstance(returned, Tensor) and returned.is_floating_point():
                self._found[path] = (type(module).__name__, returned.clone())

        return keep

    def _append(self, _module: nn.Module, _given: Any, output: Any) -> Any:
        return output, [tensor for _, tensor in self._found.values()]
