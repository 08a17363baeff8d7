"""Receptive fields: which input pixels a unit of a layer sees, for every operator of a graph.

The standard recurrence, per axis: a window of kernel k, stride s, padding p, dilation d takes a field of size r, jump j
and first pixel o to r + (k − 1)·d·j, j·s and o − p·j. Where branches meet, the field is the union.
"""

from dataclasses import dataclass, replace

from torch import fx

from workers.toolkit.graph import operator_name, shape_of, tensor_inputs

Pair = tuple[int, int]

_POINTWISE = frozenset(
    {
        "relu", "relu6", "hardtanh", "clamp", "clamp_min", "sigmoid", "silu", "hardswish", "hardsigmoid", "gelu",
        "leaky_relu", "elu", "selu", "mish", "tanh", "softplus", "prelu", "dropout", "batch_norm", "contiguous",
        "clone", "detach", "alias", "to", "neg", "exp", "sqrt", "pow", "abs", "square", "feature_dropout",
        "_native_batch_norm_legit_no_training", "add", "sub", "mul", "div", "cat", "maximum", "minimum",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Field:
    """The receptive field of the units of one map, [vertical, horizontal]; `first` is the first pixel of unit 0,0."""

    size: Pair
    stride: Pair
    first: Pair

    def box(self, y: int, x: int, height: int, width: int) -> tuple[int, int, int, int]:
        """(left, top, right, bottom) that the unit at y, x sees, clipped to the image."""
        top, left = self.first[0] + y * self.stride[0], self.first[1] + x * self.stride[1]
        return max(left, 0), max(top, 0), min(left + self.size[1], width), min(top + self.size[0], height)


def receptive_fields(graph: fx.Graph) -> dict[fx.Node, Field]:
    """The field of every operator whose output is a map (C, H, W) laid out like the image. Others are left out."""
    fields: dict[fx.Node, Field] = {}
    for node in graph.nodes:
        field = _field(node, fields)
        if field is not None and len(shape_of(node) or ()) == 3:
            fields[node] = field
    return fields


def _field(node: fx.Node, fields: dict[fx.Node, Field]) -> Field | None:
    if node.op == "placeholder":
        return Field((1, 1), (1, 1), (0, 0))
    sources = [source for source in tensor_inputs(node) if source.op != "placeholder" or source in fields]
    if not sources or any(source not in fields for source in sources):
        return None
    name = operator_name(node)
    if name in _POINTWISE:
        return _union([fields[source] for source in sources])
    window = _window(name, node)
    return None if window is None else _through(fields[sources[0]], *window)


def _window(name: str, node: fx.Node) -> tuple[Pair, Pair, Pair, Pair] | None:
    """(kernel, stride, padding, dilation) of a sliding window, or None for anything else."""
    arguments = [*node.args, *[None] * 8]
    if name == "conv2d":
        weight = arguments[1]
        assert isinstance(weight, fx.Node)
        _, _, kh, kw = weight.meta["val"].shape
        dilation = _pair(arguments[5], 1)
        padding = arguments[4]
        if isinstance(padding, str):
            padding = _named_padding(padding, (kh, kw), dilation)
        return (kh, kw), _pair(arguments[3], 1), _pair(padding, 0), dilation
    if name in ("max_pool2d", "avg_pool2d"):
        kernel = _pair(arguments[1], 1)
        dilation = _pair(arguments[4], 1) if name == "max_pool2d" else (1, 1)
        stride = _pair(arguments[2], 0) if arguments[2] else kernel
        return kernel, stride, _pair(arguments[3], 0), dilation
    if name == "pad":
        left, _, top, *_ = [*_ints(arguments[1]), 0, 0, 0, 0]
        return (1, 1), (1, 1), (top, left), (1, 1)
    return None


def _named_padding(name: str, kernel: Pair, dilation: Pair) -> list[int]:
    return [(k - 1) * d // 2 if name == "same" else 0 for k, d in zip(kernel, dilation, strict=True)]


def _through(field: Field, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Field:
    size = tuple(r + (k - 1) * d * j for r, k, d, j in zip(field.size, kernel, dilation, field.stride, strict=True))
    jump = tuple(j * s for j, s in zip(field.stride, stride, strict=True))
    first = tuple(o - p * j for o, p, j in zip(field.first, padding, field.stride, strict=True))
    return Field(_two(size), _two(jump), _two(first))


def _union(fields: list[Field]) -> Field | None:
    """The smallest field that holds all; None where the branches do not step alike."""
    if len({field.stride for field in fields}) != 1:
        return None
    first = [min(field.first[axis] for field in fields) for axis in (0, 1)]
    last = [max(field.first[axis] + field.size[axis] for field in fields) for axis in (0, 1)]
    return replace(fields[0], first=_two(tuple(first)), size=(last[0] - first[0], last[1] - first[1]))


def _pair(value: object, default: int) -> Pair:
    numbers = _ints(value) or [default]
    return (numbers[0], numbers[-1])


def _ints(value: object) -> list[int]:
    if isinstance(value, int):
        return [value]
    return [int(item) for item in value] if isinstance(value, list | tuple) else []


def _two(values: tuple[int, ...]) -> Pair:
    return values[0], values[1]
