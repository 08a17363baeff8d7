"""Run a float32 module, and the graph that was exported from it, in double precision for a while.

The values of single precision are exact in double precision, so that nothing is lost on the way
back. In double precision two ways of computing the same function agree to about 1e-15, whereas in
single precision a ReLU whose input is nearly zero may open in one and stay closed in the other.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.overrides import TorchFunctionMode


@contextmanager
def double_precision(*modules: nn.Module) -> Iterator[None]:
    """Convert all float32 tensors of the modules, and convert them back at the end.

    The tensors stay the same objects, since a graph shares them with its module.
    """
    tensors = {id(tensor): tensor for module in modules for tensor in _tensors(module)}
    single = [tensor for tensor in tensors.values() if tensor.dtype == torch.float32]
    try:
        for tensor in single:
            tensor.data = tensor.data.double()
        yield
    finally:
        for tensor in single:
            tensor.data = tensor.data.float()


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    """Yield parameters, buffers, and tensors that are plain attributes of a module."""
    yield from module.parameters()
    yield from module.buffers()
    for part in module.modules():
        yield from (value for value in vars(part).values() if isinstance(value, Tensor))


class Differentiated(TorchFunctionMode):
    """Lets a module's code run with gradients and, if `double`, in double precision.

    `torch.no_grad` inside the module has no effect: a backbone that was frozen in training is part
    of the function all the same. A cast to float32 becomes one to float64, as in `in_double`.
    """

    def __init__(self, double: bool) -> None:
        super().__init__()
        self._double = double

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Call the function, with float64 in place of float32."""
        kwargs = kwargs or {}
        if function is torch._C._set_grad_enabled:
            return None
        if self._double:
            function = Tensor.double if function is Tensor.float else function
            args = tuple(map(_doubled, args))
            kwargs = {name: _doubled(value) for name, value in kwargs.items()}
        return function(*args, **kwargs)


def in_double(graph: fx.GraphModule) -> fx.GraphModule:
    """Return the graph over the same parameters, with float64 wherever it names float32."""
    copied, copies = fx.Graph(), dict[fx.Node, fx.Node]()
    copied.output(copied.graph_copy(graph.graph, copies))
    for node in copied.nodes:
        node.args = tuple(map(_doubled, node.args))
        node.kwargs = {name: _doubled(value) for name, value in node.kwargs.items()}
    return fx.GraphModule(graph, copied)


def holds_constants(graph: fx.GraphModule) -> bool:
    """Return whether the graph has constants of the module's code, rounded to single precision."""
    own = {name for name, _ in [*graph.named_parameters(), *graph.named_buffers()]}
    read = {str(node.target) for node in graph.graph.nodes if node.op == "get_attr"}
    return not read <= own


def _doubled(argument: Any) -> Any:
    return torch.float64 if argument is torch.float32 else argument
