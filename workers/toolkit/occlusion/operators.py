"""Rules for the operators that the incremental engine understands.

An operator has a rule only for the arguments for which the rule is exact; all others have none.
"""

import math
from collections.abc import Callable
from typing import Any

from torch import Tensor, fx
from torch.nn import functional as F

from workers.toolkit.network.graph import operator_info, operator_name
from workers.toolkit.network.operators import Window
from workers.toolkit.network.types import Pair
from workers.toolkit.network.windows import SlidingWindow, arguments, pair, sliding_window
from workers.toolkit.occlusion.gather import Border
from workers.toolkit.occlusion.intervals import Taps
from workers.toolkit.occlusion.rules import GlobalMean, Join, Rule, Shift, Sliding, Values

Arguments = dict[str, Any]


def find_rule(node: fx.Node, sources: tuple[fx.Node, ...], clean: Values) -> Rule | None:
    """Return the rule for a node, or None where it must be computed on whole maps.

    `sources` are the inputs that the image reaches.
    """
    name, info, output = operator_name(node), operator_info(node), clean[node]
    if not name or not isinstance(output, Tensor):
        return None
    if not all(_is_map(clean[source]) for source in sources):
        return None
    if not _is_map(output) and name != "mean":
        return None
    maker = _BY_NAME.get(name) or (_BY_WINDOW[info.window] if info.window else None)
    if maker is not None:
        return maker(node, sources, arguments(node), clean)
    return _pointwise(node, sources, clean) if info.pointwise else None


def _is_map(value: object) -> bool:
    return (
        isinstance(value, Tensor)
        and value.ndim == 4
        and value.shape[0] == 1
        and value.is_floating_point()
    )


def _pointwise(node: fx.Node, sources: tuple[fx.Node, ...], clean: Values) -> Rule | None:
    """Return a rule for maps of one height and width, and constants that are alike everywhere."""
    sizes = {clean[source].shape[2:] for source in sources}
    others = [clean[other] for other in node.all_input_nodes if other not in sources]
    plain = all(isinstance(other, int | float) or _has_no_places(other) for other in others)
    if not plain or sizes != {clean[node].shape[2:]}:
        return None
    return Join(node, sources) if len(sources) > 1 else Rule(node, sources)


def _has_no_places(value: object) -> bool:
    if not isinstance(value, Tensor) or value.ndim > 4:
        return False
    return value.shape[-2:] == (1, 1) if value.ndim > 1 else value.numel() == 1


def _prelu(
    node: fx.Node, sources: tuple[fx.Node, ...], given: Arguments, clean: Values
) -> Rule | None:
    return Rule(node, sources) if given["weight"] not in sources else None


def _batch_norm(
    node: fx.Node, sources: tuple[fx.Node, ...], given: Arguments, clean: Values
) -> Rule | None:
    return Rule(node, sources) if len(sources) == 1 and not given["training"] else None


def _dropout(
    node: fx.Node, sources: tuple[fx.Node, ...], given: Arguments, clean: Values
) -> Rule | None:
    return Rule(node, sources) if not given["train"] else None


def _cat(
    node: fx.Node, sources: tuple[fx.Node, ...], given: Arguments, clean: Values
) -> Rule | None:
    only_maps = set(given["tensors"]) == set(sources)
    return Join(node, sources) if only_maps and given["dim"] in (1, -3) else None


def _pad(
    node: fx.Node, sources: tuple[fx.Node, ...], given: Arguments, clean: Values
) -> Rule | None:
    window, sides = sliding_window(node), given["pad"]
    if window is None or len(sides) not in (2, 4) or min(sides) < 0:
        return None
    return Shift(node, sources, before=window.padding)


def _convolution(
    node: fx.Node, sources: tuple[fx.Node, ...], given: Arguments, clean: Values
) -> Rule | None:
    weight, bias = (clean.get(given[name]) for name in ("weight", "bias"))
    if len(sources) != 1 or given["input"] is not sources[0] or weight is None:
        return None
    dilation, groups = pair(given["dilation"]), given["groups"]

    def compute(pieces: Tensor, stride: Pair) -> Tensor:
        return F.conv2d(pieces, weight, bias, stride, 0, dilation, groups)

    return _sliding(node, sources, clean, 0.0, compute, multiplications=weight.numel())


def _max_pool(
    node: fx.Node, sources: tuple[fx.Node, ...], given: Arguments, clean: Values
) -> Rule | None:
    kernel, dilation = pair(given["kernel_size"]), pair(given["dilation"])

    def compute(pieces: Tensor, stride: Pair) -> Tensor:
        return F.max_pool2d(pieces, kernel, stride, 0, dilation)

    return _sliding(node, sources, clean, -math.inf, compute)


def _average_pool(
    node: fx.Node, sources: tuple[fx.Node, ...], given: Arguments, clean: Values
) -> Rule | None:
    """Return a rule if every mean is over the whole kernel: padding counts, no window overhangs."""
    window = sliding_window(node)
    assert window is not None
    counts_padding = given["count_include_pad"] or not any(window.padding)
    if given["divisor_override"] is not None or not counts_padding:
        return None
    if any(_overhangs(node, sources[0], window, clean, axis) for axis in (0, 1)):
        return None

    def compute(pieces: Tensor, stride: Pair) -> Tensor:
        return F.avg_pool2d(pieces, window.kernel, stride)

    return _sliding(node, sources, clean, 0.0, compute)


def _overhangs(
    node: fx.Node, source: fx.Node, window: SlidingWindow, clean: Values, axis: int
) -> bool:
    """Return whether the last window reaches beyond the padded map along the axis."""
    windows, size = clean[node].shape[2 + axis], clean[source].shape[2 + axis]
    covered = (windows - 1) * window.stride[axis] + window.kernel[axis]
    return bool(covered > size + 2 * window.padding[axis])


def _sliding(
    node: fx.Node,
    sources: tuple[fx.Node, ...],
    clean: Values,
    around: float,
    compute: Callable[[Tensor, Pair], Tensor],
    multiplications: int = 0,
) -> Sliding:
    """Return the rule of a sliding window whose border shows the value `around`."""
    window = sliding_window(node)
    assert window is not None
    rows, columns = (_taps(window, clean[node].shape[2 + axis], axis) for axis in (0, 1))
    height, width = clean[sources[0]].shape[2:]
    top, left = window.padding
    border = Border(top, rows.after(height), left, columns.after(width), around)
    return Sliding(
        node, sources, multiplications, taps=(rows, columns), border=border, compute=compute
    )


def _taps(window: SlidingWindow, size: int, axis: int) -> Taps:
    kernel, stride = window.kernel[axis], window.stride[axis]
    return Taps(kernel, stride, window.padding[axis], window.dilation[axis], size)


def _adaptive_average(
    node: fx.Node, sources: tuple[fx.Node, ...], given: Arguments, clean: Values
) -> Rule | None:
    """Return a rule for pooling to one pixel, or to as many as there are.

    The latter does nothing, as in VGG from 7 × 7 to 7 × 7.
    """
    height, width = clean[sources[0]].shape[2:]
    if pair(given["output_size"]) == (1, 1):
        return GlobalMean(node, sources, area=height * width)
    return Shift(node, sources) if clean[node].shape == clean[sources[0]].shape else None


def _mean(
    node: fx.Node, sources: tuple[fx.Node, ...], given: Arguments, clean: Values
) -> Rule | None:
    axes = sorted(axis % 4 for axis in given.get("dim") or ())
    if given.get("dtype") is not None or axes != [2, 3]:
        return None
    height, width = clean[sources[0]].shape[2:]
    return GlobalMean(node, sources, area=height * width, keepdim=given["keepdim"])


_Maker = Callable[[fx.Node, tuple[fx.Node, ...], Arguments, Values], Rule | None]
_BY_NAME: dict[str, _Maker] = {
    "adaptive_avg_pool2d": _adaptive_average,
    "batch_norm": _batch_norm,
    "cat": _cat,
    "dropout": _dropout,
    "feature_dropout": _dropout,
    "mean": _mean,
    "prelu": _prelu,
}
_BY_WINDOW: dict[Window, _Maker] = {
    Window.AVERAGE_POOL: _average_pool,
    Window.CONVOLUTION: _convolution,
    Window.MAX_POOL: _max_pool,
    Window.PADDING: _pad,
}
