"""The arguments of an operator, and those of one whose window slides over rows and columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx

from workers.toolkit.network.graph import operator_info, operator_name
from workers.toolkit.network.operators import Window
from workers.toolkit.network.types import Pair


@dataclass(frozen=True)
class SlidingWindow:
    """A window, [vertical, horizontal]; `padding` is what lies before the first row and column."""

    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair


def arguments(node: fx.Node) -> dict[str, Any]:
    """Return the operator's arguments by their names in its schema, defaults included."""
    assert isinstance(node.target, torch._ops.OpOverload)
    named = {argument.name: argument.default_value for argument in node.target._schema.arguments}
    return named | dict(zip(named, node.args, strict=False)) | node.kwargs


def sliding_window(node: fx.Node) -> SlidingWindow | None:
    """Return the window of a convolution, a pool or a constant padding; None for anything else."""
    match operator_info(node).window:
        case Window.CONVOLUTION:
            return _of_convolution(arguments(node))
        case Window.MAX_POOL:
            given = arguments(node)
            return _of_pool(given, pair(given["dilation"]))
        case Window.AVERAGE_POOL:
            return _of_pool(arguments(node), (1, 1))
        case Window.PADDING:
            return _of_padding(arguments(node))
    return None


def cropping_window(node: fx.Node) -> SlidingWindow | None:
    """Return the window of one place by which rows or columns of a map (B, C, H, W) are sliced."""
    source = node.args[0] if node.args else None
    if operator_name(node) != "slice" or not isinstance(source, fx.Node):
        return None
    given, value = arguments(node), source.meta["val"]
    axis = given["dim"] % value.ndim - 2
    if value.ndim != 4 or axis < 0 or not isinstance(value.shape[axis + 2], int):
        return None
    start, _, step = slice(given["start"], given["end"], given["step"]).indices(
        value.shape[axis + 2]
    )
    rows, columns = ((step, -start) if axis == along else (1, 0) for along in (0, 1))
    return SlidingWindow((1, 1), (rows[0], columns[0]), (rows[1], columns[1]), (1, 1))


def pair(value: int | Sequence[int]) -> Pair:
    """Return an argument that is one number for both axes, or one for each, as a pair."""
    numbers = [value] if isinstance(value, int) else list(value)
    return int(numbers[0]), int(numbers[-1])


def _of_convolution(given: dict[str, Any]) -> SlidingWindow:
    _, _, height, width = given["weight"].meta["val"].shape
    dilation = pair(given["dilation"])
    padding = _padding(given["padding"], (height, width), dilation)
    return SlidingWindow((height, width), pair(given["stride"]), padding, dilation)


def _padding(given: Any, kernel: Pair, dilation: Pair) -> Pair:
    if given == "same":
        return (kernel[0] - 1) * dilation[0] // 2, (kernel[1] - 1) * dilation[1] // 2
    return (0, 0) if given == "valid" else pair(given)


def _of_pool(given: dict[str, Any], dilation: Pair) -> SlidingWindow:
    kernel = pair(given["kernel_size"])
    stride = pair(given["stride"] or kernel)
    return SlidingWindow(kernel, stride, pair(given["padding"]), dilation)


def _of_padding(given: dict[str, Any]) -> SlidingWindow | None:
    if given.get("mode", "constant") != "constant":
        return None
    left, _, top, _ = [*given["pad"], 0, 0, 0][:4]
    return SlidingWindow((1, 1), (1, 1), (top, left), (1, 1))
