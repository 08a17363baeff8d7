"""Receptive fields: which input pixels a unit of a layer sees, for every operator of a graph.

The standard recurrence, per axis: a window of kernel k, stride s, padding p, dilation d takes a field of size r, jump j
and first pixel o to r + (k − 1)·d·j, j·s and o − p·j. Where branches meet, the field is the union.
"""

import operator
from dataclasses import dataclass, replace

from torch import Tensor, fx

from workers.toolkit.network.graph import operator_name, shape_of, tensor_inputs

Pair = tuple[int, int]

_POINTWISE = frozenset(
    {
        "relu", "relu6", "hardtanh", "clamp", "clamp_min", "sigmoid", "silu", "hardswish", "hardsigmoid", "gelu",
        "leaky_relu", "elu", "selu", "mish", "tanh", "softplus", "prelu", "dropout", "batch_norm", "contiguous",
        "clone", "detach", "alias", "to", "neg", "exp", "sqrt", "pow", "abs", "square", "feature_dropout",
        "_native_batch_norm_legit_no_training", "add", "sub", "mul", "div", "cat", "maximum", "minimum",
    }
)  # fmt: skip
_MOVE_CHANNELS = frozenset({"view", "reshape", "split", "chunk", "getitem"})
_MOVE_AXES = {"transpose": {1, 2}, "slice": {0, 1}, "select": {1}, "unsqueeze": {1}}
_OVER_ALL = frozenset(
    {"adaptive_avg_pool2d", "adaptive_max_pool2d", "mean", "group_norm", "instance_norm"}
)


@dataclass(frozen=True)
class ReceptiveField:
    """The receptive field of the units of one map, [vertical, horizontal]; `first` is the first pixel of unit 0,0."""

    size: Pair
    stride: Pair
    first: Pair

    def box(self, y: int, x: int, height: int, width: int) -> tuple[int, int, int, int]:
        """(left, top, right, bottom) that the unit at y, x sees, clipped to the image."""
        top, left = self.first[0] + y * self.stride[0], self.first[1] + x * self.stride[1]
        return (
            max(left, 0),
            max(top, 0),
            min(left + self.size[1], width),
            min(top + self.size[0], height),
        )


@dataclass(frozen=True)
class _Map:
    """A tensor laid out like the image, or with `vector` one that has no places any more.

    No field means that each unit sees all of the image.
    """

    field: ReceptiveField | None
    channels_last: bool = False
    vector: bool = False


def receptive_fields(graph: fx.Graph) -> dict[fx.Node, ReceptiveField | None]:
    """The field of every operator whose output is a map (C, H, W) laid out like the image.

    None where each unit sees the whole image. Operators with another layout, and those that are not known, are left
    out, and so is everything that depends on them: no field is ever guessed.
    """
    maps: dict[fx.Node, _Map] = {}
    weights: set[fx.Node] = set()  # operators that the image does not reach
    for node in graph.nodes:
        sources = [source for source in tensor_inputs(node) if source not in weights]
        if node.op == "call_function" and not sources:
            weights.add(node)
        elif (found := _map(node, sources, maps)) is not None:
            maps[node] = found
    listed = {node: m for node, m in maps.items() if not m.channels_last and not m.vector}
    return {node: m.field for node, m in listed.items() if len(shape_of(node) or ()) == 3}


def _map(node: fx.Node, sources: list[fx.Node], maps: dict[fx.Node, _Map]) -> _Map | None:
    if node.op == "placeholder":
        return _Map(ReceptiveField((1, 1), (1, 1), (0, 0)))
    if not sources or any(source not in maps for source in sources):
        return None
    given, name = [maps[source] for source in sources], _name(node)
    if any(m.vector for m in given):
        return _of_vectors(node, given)
    if len({m.channels_last for m in given}) > 1 or _joins_places(
        name, node, given[0].channels_last
    ):
        return None
    if name == "permute":
        return _permuted(node, given[0])
    if _keeps_places(name, node, given[0].channels_last):
        return replace(given[0], field=_union_at(node, sources, [m.field for m in given]))
    if given[0].channels_last:
        return None
    return _through_window(name, node, given[0]) or _without_places(name, node)


def _of_vectors(node: fx.Node, given: list[_Map]) -> _Map | None:
    """A vector stays one until it is spread over places again, as by a gate: [C, 1, 1] sees the whole image."""
    if not all(m.vector for m in given):
        return None
    shape = shape_of(node)
    return _Map(None, vector=not (shape is not None and len(shape) == 3 and shape[1:] == (1, 1)))


def _without_places(name: str, node: fx.Node) -> _Map | None:
    """Pooled to one value per channel, [C]."""
    shape = shape_of(node)
    flattens = name in ("flatten", "view", "reshape", "squeeze", "mean")
    return _Map(None, vector=True) if flattens and shape is not None and len(shape) == 1 else None


def _keeps_places(name: str, node: fx.Node, channels_last: bool) -> bool:
    """True where each output depends on the same place of its inputs only."""
    if name in _POINTWISE:
        return True
    if not channels_last:
        return _moves_channels(name, node)
    return name == "linear" or (name == "layer_norm" and len(_ints(node.args[1])) == 1)


def _union_at(
    node: fx.Node, sources: list[fx.Node], fields: list[ReceptiveField | None]
) -> ReceptiveField | None:
    """The union, unless an input of other size is spread over the places of the output."""
    spread = {_rows_and_columns(source) for source in sources} != {_rows_and_columns(node)}
    return None if spread else _union(fields)


def _through_window(name: str, node: fx.Node, given: _Map) -> _Map | None:
    if name in _OVER_ALL:
        return _pooled(node, given)
    window = _window(name, node)
    if window is None:
        return None
    return _Map(given.field and _through(given.field, *window))


def _pooled(node: fx.Node, given: _Map) -> _Map | None:
    """Statistics over the whole map, unless an adaptive pool has nothing to pool: VGG's from 7 × 7 to 7 × 7."""
    source, shape = shape_of(tensor_inputs(node)[0]), shape_of(node)
    if shape is None or len(shape) != 3:
        return None
    if operator_name(node).startswith("adaptive") and shape == source:
        return given
    if operator_name(node) == "mean" and shape[1:] != (1, 1):
        return None
    return _Map(None)


def _joins_places(name: str, node: fx.Node, channels_last: bool) -> bool:
    """True for a concatenation along any axis but the channels."""
    axis = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)
    return name == "cat" and axis not in ((3, -1) if channels_last else (1, -3))


def _name(node: fx.Node) -> str:
    return "getitem" if node.target is operator.getitem else operator_name(node)


def _permuted(node: fx.Node, given: _Map) -> _Map | None:
    order = [axis % 4 for axis in _ints(node.args[1])]
    if order == [0, 2, 3, 1] and not given.channels_last:
        return replace(given, channels_last=True)
    if order == [0, 3, 1, 2] and given.channels_last:
        return replace(given, channels_last=False)
    return None


def _moves_channels(name: str, node: fx.Node) -> bool:
    """True for a step of a channel shuffle or split: rows and columns stay the last axes, as they were."""
    source = node.args[0]
    if name == "transpose" and _axes(source) != 5:  # only between groups and channels of a shuffle
        return False
    axes = node.args[1:3] if name == "transpose" else node.args[1:2]
    if not set(axes) <= _MOVE_AXES.get(name, set(axes)):
        return False
    if name not in _MOVE_CHANNELS | _MOVE_AXES.keys() or not isinstance(source, fx.Node):
        return False
    return _rows_and_columns(source) == _rows_and_columns(node) is not None


def _axes(node: object) -> int:
    value = node.meta.get("val") if isinstance(node, fx.Node) else None
    return value.ndim if isinstance(value, Tensor) else 0


def _rows_and_columns(node: fx.Node) -> tuple[int, int] | None:
    value = node.meta.get("val")
    first = value[0] if isinstance(value, list | tuple) and value else value
    if not isinstance(first, Tensor) or first.ndim < 3:
        return None
    height, width = first.shape[-2:]
    return (height, width) if isinstance(height, int) and isinstance(width, int) else None


def _window(name: str, node: fx.Node) -> tuple[Pair, Pair, Pair, Pair] | None:
    """(kernel, stride, padding, dilation) of a sliding window, or None for anything else."""
    arguments = [*node.args, *[None] * 8]
    if name == "conv2d":
        weight = arguments[1]
        assert isinstance(weight, fx.Node)
        _, _, kh, kw = weight.meta["val"].shape
        dilation = _pair(arguments[5], 1)
        padding = _padding(arguments[4], (kh, kw), dilation)
        return (kh, kw), _pair(arguments[3], 1), padding, dilation
    if name in ("max_pool2d", "avg_pool2d"):
        kernel = _pair(arguments[1], 1)
        dilation = _pair(arguments[4], 1) if name == "max_pool2d" else (1, 1)
        stride = _pair(arguments[2], 0) if arguments[2] else kernel
        return kernel, stride, _pair(arguments[3], 0), dilation
    if name == "pad" and (arguments[2] or "constant") == "constant":
        sides = [*_ints(arguments[1]), 0, 0, 0]  # left, right, top, bottom
        return (1, 1), (1, 1), (sides[2], sides[0]), (1, 1)
    return None


def _padding(given: object, kernel: Pair, dilation: Pair) -> Pair:
    if given == "same":
        return (kernel[0] - 1) * dilation[0] // 2, (kernel[1] - 1) * dilation[1] // 2
    return _pair(given, 0)


def _through(
    field: ReceptiveField, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> ReceptiveField:
    size = tuple(
        r + (k - 1) * d * j
        for r, k, d, j in zip(field.size, kernel, dilation, field.stride, strict=True)
    )
    jump = tuple(j * s for j, s in zip(field.stride, stride, strict=True))
    first = tuple(o - p * j for o, p, j in zip(field.first, padding, field.stride, strict=True))
    return ReceptiveField(_two(size), _two(jump), _two(first))


def _union(given: list[ReceptiveField | None]) -> ReceptiveField | None:
    """The smallest field that holds all; None, everything, where one sees all or the branches do not step alike."""
    fields = [field for field in given if field is not None]
    if len(fields) < len(given) or len({field.stride for field in fields}) != 1:
        return None
    first = [min(field.first[axis] for field in fields) for axis in (0, 1)]
    last = [max(field.first[axis] + field.size[axis] for field in fields) for axis in (0, 1)]
    return replace(
        fields[0], first=_two(tuple(first)), size=(last[0] - first[0], last[1] - first[1])
    )


def _pair(value: object, default: int) -> Pair:
    numbers = _ints(value) or [default]
    return (numbers[0], numbers[-1])


def _ints(value: object) -> list[int]:
    if isinstance(value, int):
        return [value]
    return [int(item) for item in value] if isinstance(value, list | tuple) else []


def _two(values: tuple[int, ...]) -> Pair:
    return values[0], values[1]
