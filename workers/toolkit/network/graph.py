"""A model as one small graph of operators, from `torch.export`: the single source for layers, shapes and ReLU rules.

In-place operators are made functional, so that a captured activation is never overwritten by a later one.
"""

import logging
from typing import Any

import torch
from torch import Tensor, fx, nn

from workers.toolkit.errors import NotExportable

log = logging.getLogger(__name__)
aten = torch.ops.aten

# Operators whose result never shares memory with an input. Any other may return a view.
_FRESH = frozenset(
    {
        "conv1d", "conv2d", "linear", "batch_norm", "layer_norm", "group_norm", "instance_norm", "relu", "relu6",
        "hardtanh", "clamp", "clamp_min", "clamp_max", "sigmoid", "silu", "hardswish", "hardsigmoid", "gelu", "elu",
        "leaky_relu", "selu", "mish", "tanh", "softplus", "softmax", "add", "sub", "mul", "div", "cat", "max_pool2d",
        "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d", "mean", "sum", "pad", "exp", "sqrt", "pow", "abs",
        "neg", "matmul", "clone",
    }
)  # fmt: skip


def export_graph(module: nn.Module, channels: int, height: int, width: int) -> fx.GraphModule:
    """The module's operators for inputs (B, channels, height, width), any B, without in-place operators.

    The parameters are shared with the module. Raises NotExportable.
    """
    device = next(module.parameters()).device
    sample = torch.zeros(
        2, channels, height, width, device=device, dtype=next(module.parameters()).dtype
    )
    batch = {0: torch.export.Dim.DYNAMIC}
    try:
        with torch.no_grad():
            program = torch.export.export(module, (sample,), dynamic_shapes=(batch,))
    except Exception as error:
        log.exception("torch.export failed")
        raise NotExportable(
            f"torch.export cannot trace this model ({type(error).__name__})."
        ) from error
    graph_module = program.module(check_guards=False)
    if not _make_functional(graph_module.graph):
        graph_module = program.run_decompositions({}).module(check_guards=False)
    assert isinstance(graph_module, fx.GraphModule)
    graph_module.recompile()
    if not all(_agree(graph_module, module, sample, batch) for batch in (1, 3)):
        raise NotExportable(
            "The graph that torch.export made of this model gives other results than the model."
        )
    return graph_module


@torch.no_grad()
def _agree(graph_module: fx.GraphModule, module: nn.Module, like: Tensor, batch: int) -> bool:
    """Do both give the same for a batch of noise, up to rounding?"""
    noise = torch.randn((batch, *like.shape[1:]), generator=torch.Generator().manual_seed(0)).to(
        like
    )
    theirs = module(noise.clone())
    try:
        ours = graph_module(noise)
    except RuntimeError:  # a batch size that the graph has swallowed
        return False
    if (
        not isinstance(ours, Tensor)
        or not isinstance(theirs, Tensor)
        or not bool(theirs.isfinite().all())
    ):
        return True
    if ours.shape != theirs.shape:
        return False
    return torch.allclose(ours, theirs, rtol=1e-3, atol=1e-3 * float(theirs.abs().max()))


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
    """Replace in-place operators by their functional twins. False if an overwritten tensor may share its memory."""
    order = {node: i for i, node in enumerate(graph.nodes)}
    for node in [node for node in graph.nodes if _is_in_place(node)]:
        overwritten = node.args[0]
        twin = _functional_twin(node.target)
        if (
            twin is None
            or not isinstance(overwritten, fx.Node)
            or _may_be_shared(overwritten, node, order)
        ):
            return False
        node.target = twin
        overwritten.replace_all_uses_with(node, lambda user, made=node: order[user] > order[made])  # type: ignore[misc]
    graph.lint()
    return True


def _is_in_place(node: fx.Node) -> bool:
    target = node.target
    return isinstance(target, torch._ops.OpOverload) and target._schema.is_mutable


def _functional_twin(target: Any) -> Any:
    """`aten.relu.default` for `aten.relu_.default`; None if there is none."""
    packet = getattr(aten, target._opname.rstrip("_"), None)
    return getattr(packet, target._overloadname, None)


def _may_be_shared(overwritten: fx.Node, by: fx.Node, order: dict[fx.Node, int]) -> bool:
    """True unless the tensor and everything made of it before are known to be fresh."""
    earlier = [user for user in overwritten.users if order[user] < order[by]]
    return any(operator_name(node) not in _FRESH for node in [overwritten, *earlier])
