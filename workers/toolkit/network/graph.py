"""A model as one small graph of operators, made by `torch.export`.

The graph is the single source for layers, shapes and ReLU rules. In-place operators are made
functional, so that a captured activation is never overwritten by a later operator.
"""

import logging
import operator
from collections.abc import Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor, fx, nn

from workers.toolkit.errors import NotExportable
from workers.toolkit.network.inlined_regions import inline_regions
from workers.toolkit.network.operators import OPERATORS, UNKNOWN, OperatorInfo
from workers.toolkit.network.returned_tensors import ReturnedTensors

log = logging.getLogger(__name__)
aten = torch.ops.aten


def export_graph(module: nn.Module, channels: int, height: int, width: int) -> fx.GraphModule:
    """Return the module's operators for inputs (B, channels, height, width), for any B.

    No operator works in place. The parameters are shared with the module. Raises NotExportable.
    """
    like = next(module.parameters())
    sample = torch.zeros(2, channels, height, width, device=like.device, dtype=like.dtype)
    batch = {0: torch.export.Dim.DYNAMIC}
    returned = ReturnedTensors()
    try:
        with torch.no_grad(), returned.recorded(module):
            program = torch.export.export(module, (sample,), dynamic_shapes=(batch,))
    except Exception as error:
        # Callers refuse in a sentence, or do with a part of the model.
        log.info("torch.export failed", exc_info=True)
        raise NotExportable(_explained(error)) from error
    graph_module = _functional(program)
    returned.strip(graph_module.graph)
    graph_module.recompile()
    if not all(_agree(graph_module, module, sample, batch) for batch in (1, 3)):
        raise NotExportable(
            "The results of the graph that torch.export made differ from those of the model."
        )
    return graph_module


def _functional(program: torch.export.ExportedProgram) -> fx.GraphModule:
    """Return the program's graph without operators that work in place. Raises NotExportable."""
    try:
        graph_module = _inlined(program)
        if not _make_functional(graph_module.graph):
            graph_module = _inlined(program.run_decompositions({}))
    except Exception as error:  # torch raises many kinds
        log.info("the graph cannot be made functional", exc_info=True)
        raise NotExportable(
            "The graph that torch.export made of this model cannot be written without operators "
            f"that work in place ({type(error).__name__}). Replace those in the model's code, such "
            "as x += y and relu_(), above all inside `with torch.autocast(…)`."
        ) from error
    return graph_module


def _inlined(program: torch.export.ExportedProgram) -> fx.GraphModule:
    graph_module = program.module(check_guards=False)
    assert isinstance(graph_module, fx.GraphModule)
    inline_regions(graph_module)
    return graph_module


def _explained(error: Exception) -> str:
    if "Constraints violated" in str(error):
        return (
            "torch.export cannot trace this model for any number of images. Its code makes a fixed "
            "number of the batch axis, as `len(x)` does. Write x.shape[0], or flatten(1) in place "
            "of a reshape."
        )
    return f"torch.export cannot trace this model ({type(error).__name__})."


def operator_name(node: fx.Node) -> str:
    """Return `relu` for `aten.relu_.default`; the empty string if the node is not an operator."""
    if node.target is operator.getitem:
        return "getitem"
    if node.op != "call_function" or not isinstance(node.target, torch._ops.OpOverload):
        return ""
    return str(node.target._opname).rstrip("_")


def operator_info(node: fx.Node) -> OperatorInfo:
    """Return what is known of the node's operator."""
    return OPERATORS.get(operator_name(node), UNKNOWN)


def shape_of(node: fx.Node) -> tuple[int, ...] | None:
    """Return the shape of the node's output for one image, without the batch axis.

    Return None if the output is not one tensor of fixed size.
    """
    value = node.meta.get("val")
    if not isinstance(value, Tensor) or not all(isinstance(size, int) for size in value.shape[1:]):
        return None
    return tuple(int(size) for size in value.shape[1:])


def tensor_inputs(node: fx.Node) -> list[fx.Node]:
    """Return the nodes whose tensors feed this one, without parameters and sizes."""
    return [
        source
        for source in node.all_input_nodes
        if source.op != "get_attr" and isinstance(source.meta.get("val"), Tensor | list | tuple)
    ]


def module_of(node: fx.Node) -> str:
    """Return the path of the innermost module that calls the operator; empty for the model."""
    stack = (node.meta.get("nn_module_stack") or {}).values()
    paths = [path.partition("@")[0] for path, _ in stack]
    return paths[-1] if paths else ""


def name_in_module(node: fx.Node) -> str:
    """Return the operator in quotes, and the module that calls it unless that is the model."""
    module = module_of(node)
    return f"{operator_name(node)!r}" + (f" in {module!r}" if module else "")


def last_uses(nodes: Iterable[fx.Node]) -> dict[fx.Node, list[fx.Node]]:
    """Return, for each of the nodes in their order, those that none of them needs after it."""
    last: dict[fx.Node, fx.Node] = {}
    for node in nodes:
        last |= dict.fromkeys([*node.all_input_nodes, node], node)
    done: dict[fx.Node, list[fx.Node]] = {}
    for source, node in last.items():
        done.setdefault(node, []).append(source)
    return done


@torch.no_grad()
def _agree(graph_module: fx.GraphModule, module: nn.Module, like: Tensor, batch: int) -> bool:
    """Return whether both give the same for a batch of noise, up to rounding."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn((batch, *like.shape[1:]), generator=generator).to(like)
    expected = module(noise.clone())
    try:
        found = graph_module(noise)
    except RuntimeError:  # a batch size is baked into the graph
        return False
    if not isinstance(found, Tensor) or not isinstance(expected, Tensor):
        return True
    if not bool(expected.isfinite().all()):
        return True
    if found.shape != expected.shape:
        return False
    return torch.allclose(found, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))


def _make_functional(graph: fx.Graph) -> bool:
    """Replace in-place operators by their functional twins.

    Return False if a tensor that is overwritten may share its memory with another one.
    """
    order = {node: i for i, node in enumerate(graph.nodes)}
    for node in [node for node in graph.nodes if _is_in_place(node)]:
        overwritten = node.args[0]
        twin = _functional_twin(node.target)
        if twin is None or not isinstance(overwritten, fx.Node):
            return False
        if _may_be_shared(overwritten, node, order):
            return False
        node.target = twin
        position = order[node]
        overwritten.replace_all_uses_with(node, partial(_comes_after, order, position))
    graph.lint()
    return True


def _comes_after(order: dict[fx.Node, int], position: int, user: fx.Node) -> bool:
    return order[user] > position


def _is_in_place(node: fx.Node) -> bool:
    target = node.target
    return isinstance(target, torch._ops.OpOverload) and target._schema.is_mutable


def _functional_twin(target: Any) -> Any:
    """Return `aten.relu.default` for `aten.relu_.default`; None if there is no twin."""
    packet = getattr(aten, target._opname.rstrip("_"), None)
    return getattr(packet, target._overloadname, None)


def _may_be_shared(overwritten: fx.Node, by: fx.Node, order: dict[fx.Node, int]) -> bool:
    """Return True unless the tensor and all results made from it so far are known to be fresh."""
    earlier = [user for user in overwritten.users if order[user] < order[by]]
    return not all(operator_info(node).fresh for node in [overwritten, *earlier])
