"""A model as one small graph of operators, from `torch.export`: the single source for layers, shapes and ReLU rules.

In-place operators are made functional, so that a captured activation is never overwritten by a later one.
"""

import logging
import operator
from typing import Any

import torch
from torch import Tensor, fx, nn

from workers.toolkit.errors import NotExportable

log = logging.getLogger(__name__)
aten = torch.ops.aten

_VIEWS = frozenset(
    {
        "view", "reshape", "flatten", "transpose", "permute", "split", "chunk", "slice", "select", "unsqueeze",
        "squeeze", "expand", "contiguous", "unbind", "alias", "detach", "dropout", "to", "narrow", "unfold", "t",
    }
)  # fmt: skip


def export_graph(module: nn.Module, channels: int, height: int, width: int) -> fx.GraphModule:
    """The module's operators for inputs (B, channels, height, width), any B, without in-place operators.

    The parameters are shared with the module. Raises NotExportable.
    """
    device = next(module.parameters()).device
    sample = torch.zeros(2, channels, height, width, device=device)
    batch = {0: torch.export.Dim.DYNAMIC}
    try:
        with torch.no_grad():
            program = torch.export.export(module, (sample,), dynamic_shapes=(batch,))
    except Exception as error:
        log.exception("torch.export failed")
        raise NotExportable(f"torch.export cannot trace this model ({type(error).__name__}).") from error
    graph_module = program.module(check_guards=False)
    if not _make_functional(graph_module.graph):
        graph_module = program.run_decompositions({}).module(check_guards=False)
    assert isinstance(graph_module, fx.GraphModule)
    graph_module.recompile()
    return graph_module


def operator_name(node: fx.Node) -> str:
    """`relu` for `aten.relu_.default`; the empty string for what is not an ATen operator."""
    if node.op != "call_function" or not isinstance(node.target, torch._ops.OpOverload):
        return ""
    return str(node.target._opname).rstrip("_")


def shape_of(node: fx.Node) -> tuple[int, ...] | None:
    """Shape of the node's output without the batch axis, or None where it is not one tensor of fixed size."""
    value = node.meta.get("val")
    if not isinstance(value, Tensor) or not all(isinstance(size, int) for size in value.shape[1:]):
        return None
    return tuple(int(size) for size in value.shape[1:])


def tensor_inputs(node: fx.Node) -> list[fx.Node]:
    """The nodes whose tensors feed this one; parameters and sizes left out."""
    return [
        source
        for source in node.all_input_nodes
        if source.op != "get_attr" and isinstance(source.meta.get("val"), Tensor | list | tuple)
    ]


def _make_functional(graph: fx.Graph) -> bool:
    """Replace in-place operators by their functional twins. False if a view of an overwritten tensor forbids it."""
    order = {node: i for i, node in enumerate(graph.nodes)}
    for node in [node for node in graph.nodes if _is_in_place(node)]:
        overwritten = node.args[0]
        if not isinstance(overwritten, fx.Node) or _has_views(overwritten):
            return False
        node.target = _functional_twin(node.target)
        overwritten.replace_all_uses_with(node, lambda user, made=node: order[user] > order[made])  # type: ignore[misc]
    graph.lint()
    return True


def _is_in_place(node: fx.Node) -> bool:
    target = node.target
    return isinstance(target, torch._ops.OpOverload) and target._schema.is_mutable


def _functional_twin(target: Any) -> Any:
    packet = getattr(aten, target._opname.rstrip("_"))
    return getattr(packet, target._overloadname)


def _has_views(node: fx.Node) -> bool:
    around = [*node.users, node, *tensor_inputs(node)]
    return any(operator_name(other) in _VIEWS or other.target is operator.getitem for other in around)
