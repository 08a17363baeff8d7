"""ReLU in all its forms, found on the graph.

The graph has one operator per use. So a module, a function, an in-place call, a module used
twice, ReLU6 and a clamp at zero are all found; hooks on modules miss most of these. Some forms are
several operators, as x·(x > 0). They are one rectifier, which lies at the operator that yields
the result.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from torch import fx

from workers.toolkit.network.constants import copied_from, uniform_value
from workers.toolkit.network.graph import operator_info, operator_name, shape_of
from workers.toolkit.network.windows import arguments

_GREATER, _LESS = {"gt", "ge"}, {"lt", "le"}


@dataclass(frozen=True)
class Rectifier:
    """A node whose output is min(max(x, 0), upper), where x is the output of `source`."""

    source: fx.Node
    upper: float


def find_rectifier(node: fx.Node) -> Rectifier | None:
    """Return what the node rectifies, or None if it is not proved to be a rectifier."""
    if operator_info(node).bounds is not None:
        return _clamped(node)
    pattern = _PATTERNS.get(operator_name(node))
    source = pattern(node) if pattern else None
    # Where the output is larger, x is spread over places.
    if source is None or shape_of(source) != shape_of(node):
        return None
    return Rectifier(source, inf)


def is_rectifier(node: fx.Node) -> bool:
    """Return whether the node is proved to be a rectifier."""
    return find_rectifier(node) is not None


def _clamped(node: fx.Node) -> Rectifier | None:
    """Match relu, relu6, hardtanh and every clamp whose lower bound is zero everywhere."""
    given, bounds = arguments(node), operator_info(node).bounds
    assert bounds is not None
    lower, upper = (given[bound] if isinstance(bound, str) else bound for bound in bounds)
    most = inf if upper is None else uniform_value(upper)
    source = node.args[0]
    if uniform_value(lower) != 0 or most is None or not isinstance(source, fx.Node):
        return None
    return Rectifier(source, most)


def _threshold(node: fx.Node) -> fx.Node | None:
    """Match threshold(x, 0, 0)."""
    return _first(node) if list(node.args[1:3]) == [0, 0] else None


def _maximum(node: fx.Node) -> fx.Node | None:
    """Match maximum(x, 0) and maximum(0, x)."""
    return _other(node, lambda argument: uniform_value(argument) == 0)


def _zero_slope(node: fx.Node) -> fx.Node | None:
    """Match leaky_relu, prelu and rrelu whose slopes are zero, and elu(x, alpha=0)."""
    given = arguments(node)
    slopes = [given[name] for name in _SLOPES if name in given]
    rest = [given[name] for name in ("scale", "input_scale") if name in given]
    zero = all(uniform_value(slope) == 0 for slope in slopes)
    return _first(node) if zero and all(number == 1 for number in rest) else None


_SLOPES = ("negative_slope", "weight", "lower", "upper", "alpha")


def _where(node: fx.Node) -> fx.Node | None:
    """Match where(x > 0, x, 0) and where(x < 0, 0, x)."""
    condition, *choices = node.args
    x, positive = _compared(condition)
    kept, dropped = choices if positive else reversed(choices)
    return _node(kept) if _is(kept, x) and uniform_value(dropped) == 0 else None


def _masked_fill(node: fx.Node) -> fx.Node | None:
    """Match masked_fill(x, x < 0, 0)."""
    x, positive = _compared(node.args[1])
    filled = uniform_value(node.args[2]) == 0
    return _first(node) if _is(node.args[0], x) and not positive and filled else None


def _product(node: fx.Node) -> fx.Node | None:
    """Match x·(x > 0) and (x + |x|)·0.5."""
    if 0.5 in node.args:
        return _sum_with_magnitude(node.args[node.args.index(0.5) - 1])
    for x, mask in (node.args[:2], node.args[1::-1]):
        compared, positive = _compared(mask)
        if _is(x, compared) and positive:
            return _node(x)
    return None


def _quotient(node: fx.Node) -> fx.Node | None:
    """Match (x + |x|) / 2."""
    return _sum_with_magnitude(node.args[0]) if node.args[1] == 2 and not node.kwargs else None


def _sum_with_magnitude(node: object) -> fx.Node | None:
    if not isinstance(node, fx.Node) or operator_name(node) != "add" or node.kwargs:
        return None
    for x, magnitude in (node.args[:2], node.args[1::-1]):
        if isinstance(magnitude, fx.Node) and operator_name(magnitude) == "abs":
            return _node(x) if _is(x, magnitude.args[0]) else None
    return None


def _compared(condition: object) -> tuple[object, bool]:
    """Return (x, True) for x > 0 and (x, False) for x < 0; (None, …) for any other condition."""
    node = condition if isinstance(condition, fx.Node) else None
    while node is not None and operator_name(node) in ("clone", "to"):  # as a number, 0 or 1
        node = _first(node)
    name = operator_name(node) if node is not None else ""
    if node is None or name not in _GREATER | _LESS | _NEGATIONS:
        return None, False
    if name in _NEGATIONS:
        x, positive = _compared(node.args[0])
        return x, not positive
    left, right = node.args[:2]
    if uniform_value(right) == 0:
        return left, name in _GREATER
    return (right, name in _LESS) if uniform_value(left) == 0 else (None, False)


_NEGATIONS = {"logical_not", "bitwise_not"}


def _is(one: object, other: object) -> bool:
    """Return whether both are nodes of the same values."""
    if not isinstance(one, fx.Node) or not isinstance(other, fx.Node):
        return False
    return copied_from(one) is copied_from(other)


def _node(argument: object) -> fx.Node | None:
    return argument if isinstance(argument, fx.Node) else None


def _first(node: fx.Node) -> fx.Node | None:
    return _node(node.args[0])


def _other(node: fx.Node, fits: Callable[[object], bool]) -> fx.Node | None:
    """Return the one of two arguments whose counterpart fits."""
    if len(node.args) != 2:
        return None
    first, second = node.args
    return _node(first) if fits(second) else _node(second) if fits(first) else None


_PATTERNS: dict[str, Callable[[fx.Node], fx.Node | None]] = {
    "threshold": _threshold,
    "max": _maximum,
    "maximum": _maximum,
    "fmax": _maximum,
    "leaky_relu": _zero_slope,
    "prelu": _zero_slope,
    "rrelu": _zero_slope,
    "elu": _zero_slope,
    "where": _where,
    "masked_fill": _masked_fill,
    "mul": _product,
    "div": _quotient,
}
