"""Operators that work as a ReLU, though no pattern proves it.

A rule that holds for some of a network's ReLUs only gives a map that is half the rule's and half
the gradient's. So what no pattern recognizes is looked for in the values of a run.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, fx

from workers.toolkit.errors import HiddenRectifier
from workers.toolkit.network.constants import input_dependent
from workers.toolkit.network.graph import name_in_module, operator_name
from workers.toolkit.network.rectifier_patterns import is_rectifier

# How many operators one ReLU is made of at most.
_DEPTH = 6
# Relative to the largest value of x.
_ROUNDING = 1e-5
# The share of values that a threshold must cut off, and leave, to be one: not the ε of a norm.
_CUT = 0.01
# The share of positive values that a ReLU with an upper bound leaves as they are.
_KEPT = 0.1
_MAXIMA = {"clamp", "clamp_min", "clip", "fmax", "max", "maximum"}

Values = dict[fx.Node, Any]


@torch.no_grad()
def hidden_rectifiers(
    graph_module: fx.GraphModule, x: Tensor, nodes: Sequence[fx.Node]
) -> list[fx.Node]:
    """Return those of the nodes that work as a ReLU on x (B, C, H, W) and are not recognized.

    These are operators whose output is zero where an input of theirs is negative, and that input
    where it is positive; and those that cut their input off at another constant than zero. It
    takes as much memory as a backward pass.
    """
    interpreter = fx.Interpreter(graph_module, garbage_collect_values=False)
    interpreter.run(x)
    dependent = input_dependent(graph_module.graph)
    found: list[fx.Node] = []
    for node in nodes:
        if is_rectifier(node) or node not in dependent:
            continue
        sources = [source for source in node.all_input_nodes if source in dependent]
        if _rectifies(node, interpreter.env, found) or _cuts_off(node, sources, interpreter.env):
            found.append(node)
    return found


def refuse_hidden(nodes: Sequence[fx.Node]) -> None:
    """Raise HiddenRectifier if there are any, naming them with the modules that call them."""
    if not nodes:
        return
    names = ", ".join(dict.fromkeys(map(name_in_module, nodes)))
    raise HiddenRectifier(
        "These operators before the target work as a ReLU, but are not recognized as one: "
        f"{names}. The rule would hold for the other ReLUs only. Use saliency, or write them as "
        "torch.relu."
    )


def _rectifies(node: fx.Node, values: Values, found: Sequence[fx.Node]) -> bool:
    output = values[node]
    if not _is_real(output) or float(output.max()) <= 0 or not _has_zeros(output):
        return False
    return any(_is_relu_of(values[source], output) for source in _sources(node, found))


def _sources(node: fx.Node, found: Sequence[fx.Node]) -> Iterator[fx.Node]:
    """Yield what the node is computed from, a few operators back, up to the ReLUs before it."""
    seen, level = {node}, [node]
    for _ in range(_DEPTH):
        level = [
            source
            for one in level
            for source in one.all_input_nodes
            if source not in seen and source not in found and not is_rectifier(source)
        ]
        seen.update(level)
        yield from dict.fromkeys(level)


def _is_relu_of(x: object, output: Tensor) -> bool:
    if not isinstance(x, Tensor) or not _is_real(x) or x.shape != output.shape:
        return False
    near = _ROUNDING * float(x.abs().max())
    negative, positive = x < -near, x > near
    if not bool(negative.any()) or not bool(positive.any()):
        return False
    if float(output[negative].abs().max()) > near or float(output.min()) < -near:
        return False
    kept = (output - x)[positive].abs() <= near
    return float(kept.double().mean()) >= _KEPT


def _cuts_off(node: fx.Node, sources: Sequence[fx.Node], values: Values) -> bool:
    """Return whether the node is the maximum of one input and constants, and both occur."""
    name, output = operator_name(node), values[node]
    if name not in _MAXIMA or not _is_real(output) or _has_upper_bound(node):
        return False
    constants = len(node.args) > 1 or node.kwargs
    if len(sources) != 1 or not constants or values[sources[0]].shape != output.shape:
        return False
    cut = float((output != values[sources[0]]).double().mean())
    return _CUT < cut < 1 - _CUT


def _has_upper_bound(node: fx.Node) -> bool:
    return len(node.args) > 2 or node.kwargs.get("max") is not None


def _is_real(value: object) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point() and value.numel() > 0


def _has_zeros(output: Tensor) -> bool:
    near = _ROUNDING * float(output.abs().max())
    return float(output.min()) >= -near and bool((output.abs() <= near).any())
