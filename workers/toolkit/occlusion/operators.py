"""The ATen operators that are understood, each with the arguments for which it is: everything else has no rule."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx
from torch.nn import functional as F

from workers.toolkit.network.graph import operator_name
from workers.toolkit.occlusion.gather import Border
from workers.toolkit.occlusion.intervals import Taps
from workers.toolkit.occlusion.rules import GlobalMean, Join, Rule, Shift, Sliding, Values

Pair = tuple[int, int]
Arguments = dict[str, Any]

_POINTWISE = frozenset(
    {
        "relu", "relu6", "hardtanh", "clamp", "clamp_min", "clamp_max", "sigmoid", "silu", "hardswish", "hardsigmoid",
        "gelu", "leaky_relu", "elu", "selu", "mish", "tanh", "softplus", "neg", "exp", "sqrt", "abs", "square",
        "clone", "contiguous", "detach", "alias",
    }
)  # fmt: skip
_ARITHMETIC = frozenset({"add", "sub", "mul", "div", "maximum", "minimum"})


def find_rule(node: fx.Node, sources: tuple[fx.Node, ...], clean: Values) -> Rule | None:
    """The rule for a node, or None where it has to be run on whole maps. `sources` are the inputs that are maps."""
    name, output = operator_name(node), clean[node]
    if (
        not name
        or not isinstance(output, Tensor)
        or not all(_is_map(clean[source]) for source in sources)
    ):
        return None
    if not _is_map(output) and name not in ("mean",):
        return None
    if name in _POINTWISE or name in _ARITHMETIC:
        return _pointwise(node, sources, clean)
    maker = _MAKERS.get(name)
    return maker(node, sources, arguments(node), clean) if maker else None


def arguments(node: fx.Node) -> Arguments:
    """By their names in the operator's schema, defaults included."""
    assert isinstance(node.target, torch._ops.OpOverload)
    named = {argument.name: argument.default_value for argument in node.target._schema.arguments}
    return named | dict(zip(named, node.args, strict=False)) | node.kwargs


def _is_map(value: object) -> bool:
    return (
        isinstance(value, Tensor)
        and value.ndim == 4
        and value.shape[0] == 1
        and value.is_floating_point()
    )


def _pointwise(node: fx.Node, sources: tuple[fx.Node, ...], clean: Values) -> Rule | None:
    """Of maps of one height and width, and of constants that are the same at every place."""
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
    sides = [*given["pad"], 0, 0][:4]  # left, right, top, bottom
    if (
        given.get("mode", "constant") != "constant"
        or len(given["pad"]) not in (2, 4)
        or min(sides) < 0
    ):
        return None
    return Shift(node, sources, before=(sides[2], sides[0]))


def _convolution(
    node: fx.Node, sources: tuple[fx.Node, ...], given: Arguments, clean: Values
) -> Rule | None:
    weight, bias = (clean.get(given[name]) for name in ("weight", "bias"))
    if len(sources) != 1 or given["input"] is not sources[0] or weight is None:
        return None
    kernel, dilation = (weight.shape[2], weight.shape[3]), _pair(given["dilation"])
    before = _padding(given["padding"], kernel, dilation)

    def compute(pieces: Tensor, stride: Pair) -> Tensor:
        return F.conv2d(pieces, weight, bias, stride, 0, dilation, given["groups"])

    multiplications = weight[0].numel() * weight.shape[0]
    return _sliding(
        node,
        sources,
        clean,
        kernel,
        _pair(given["stride"]),
        before,
        dilation,
        0.0,
        compute,
        multiplications,
    )


def _max_pool(
    node: fx.Node, sources: tuple[fx.Node, ...], given: Arguments, clean: Values
) -> Rule | None:
    kernel, dilation = _pair(given["kernel_size"]), _pair(given["dilation"])
    stride, before = _pair(given["stride"] or kernel), _pair(given["padding"])

    def compute(pieces: Tensor, stride: Pair) -> Tensor:
        return F.max_pool2d(pieces, kernel, stride, 0, dilation)

    return _sliding(node, sources, clean, kernel, stride, before, dilation, -math.inf, compute)


def _average_pool(
    node: fx.Node, sources: tuple[fx.Node, ...], given: Arguments, clean: Values
) -> Rule | None:
    """Where every mean is over the whole kernel: padding counts, and no window hangs over it."""
    kernel, before = _pair(given["kernel_size"]), _pair(given["padding"])
    stride = _pair(given["stride"] or kernel)
    if given["divisor_override"] is not None or (not given["count_include_pad"] and any(before)):
        return None
    covered = [
        (n - 1) * s + k for n, s, k in zip(clean[node].shape[2:], stride, kernel, strict=True)
    ]
    if any(
        c > size + 2 * p
        for c, size, p in zip(covered, clean[sources[0]].shape[2:], before, strict=True)
    ):
        return None

    def compute(pieces: Tensor, stride: Pair) -> Tensor:
        return F.avg_pool2d(pieces, kernel, stride)

    return _sliding(node, sources, clean, kernel, stride, before, (1, 1), 0.0, compute)


def _sliding(
    node: fx.Node,
    sources: tuple[fx.Node, ...],
    clean: Values,
    kernel: Pair,
    stride: Pair,
    before: Pair,
    dilation: Pair,
    around: float,
    compute: Callable[[Tensor, Pair], Tensor],
    multiplications: int = 0,
) -> Sliding:
    taps = [
        Taps(*along)
        for along in zip(kernel, stride, before, dilation, clean[node].shape[2:], strict=True)
    ]
    bottom, right = (
        axis.after(size) for axis, size in zip(taps, clean[sources[0]].shape[2:], strict=True)
    )
    border = Border(before[0], bottom, before[1], right, around)
    return Sliding(
        node, sources, multiplications, taps=(taps[0], taps[1]), border=border, compute=compute
    )


def _adaptive_average(
    node: fx.Node, sources: tuple[fx.Node, ...], given: Arguments, clean: Values
) -> Rule | None:
    """To one pixel, or to as many as there are, which is nothing to do: VGG's from 7 × 7 to 7 × 7."""
    height, width = clean[sources[0]].shape[2:]
    if _pair(given["output_size"]) == (1, 1):
        return GlobalMean(node, sources, area=height * width)
    return Shift(node, sources) if clean[node].shape == clean[sources[0]].shape else None


def _mean(
    node: fx.Node, sources: tuple[fx.Node, ...], given: Arguments, clean: Values
) -> Rule | None:
    if given.get("dtype") is not None or sorted(axis % 4 for axis in given.get("dim") or ()) != [
        2,
        3,
    ]:
        return None
    height, width = clean[sources[0]].shape[2:]
    return GlobalMean(node, sources, area=height * width, keepdim=given["keepdim"])


def _padding(given: object, kernel: Pair, dilation: Pair) -> Pair:
    if given == "same":
        return (kernel[0] - 1) * dilation[0] // 2, (kernel[1] - 1) * dilation[1] // 2
    return (0, 0) if given == "valid" else _pair(given)


def _pair(value: Any) -> Pair:
    numbers = [value] if isinstance(value, int) else list(value)
    return int(numbers[0]), int(numbers[-1])


_Maker = Callable[[fx.Node, tuple[fx.Node, ...], Arguments, Values], Rule | None]
_MAKERS: dict[str, _Maker] = {
    "adaptive_avg_pool2d": _adaptive_average,
    "avg_pool2d": _average_pool,
    "batch_norm": _batch_norm,
    "cat": _cat,
    "constant_pad_nd": _pad,
    "conv2d": _convolution,
    "dropout": _dropout,
    "feature_dropout": _dropout,
    "max_pool2d": _max_pool,
    "mean": _mean,
    "pad": _pad,
    "prelu": _prelu,
}
