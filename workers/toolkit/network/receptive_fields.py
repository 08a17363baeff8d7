"""Receptive fields: which input pixels a unit of a layer sees, for every operator of a graph.

The standard recurrence, per axis: a window of kernel k, stride s, padding p, dilation d takes a
field of size r, jump j and first pixel o to r + (k − 1)·d·j, j·s and o − p·j. Where branches
meet, the field is the union.
"""

from dataclasses import dataclass, replace

from torch import Tensor, fx

from workers.toolkit.network.graph import operator_info, operator_name, shape_of, tensor_inputs
from workers.toolkit.network.types import Pair
from workers.toolkit.network.windows import SlidingWindow, sliding_window


@dataclass(frozen=True)
class ReceptiveField:
    """The receptive field of the units of one map, [vertical, horizontal].

    `first` is the first pixel that unit 0,0 sees.
    """

    size: Pair
    stride: Pair
    first: Pair

    def box(self, y: int, x: int, height: int, width: int) -> tuple[int, int, int, int]:
        """Return (left, top, right, bottom) of what the unit at y, x sees, clipped to the image."""
        top, left = self.first[0] + y * self.stride[0], self.first[1] + x * self.stride[1]
        right, bottom = left + self.size[1], top + self.size[0]
        return max(left, 0), max(top, 0), min(right, width), min(bottom, height)


@dataclass(frozen=True)
class _Map:
    """A tensor laid out like the image, or with `vector` one that has no places any more.

    Without a field, each unit sees the whole image.
    """

    field: ReceptiveField | None
    channels_last: bool = False
    vector: bool = False


def receptive_fields(graph: fx.Graph) -> dict[fx.Node, ReceptiveField | None]:
    """Return the field of every operator whose output is a map (C, H, W) laid out like the image.

    The field is None where each unit sees the whole image. Operators with another layout, and
    unknown ones, are left out, and so is everything that depends on them: no field is guessed.
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
    given = [maps[source] for source in sources]
    if any(m.vector for m in given):
        return _of_vectors(node, given)
    channels_last = given[0].channels_last
    if any(m.channels_last != channels_last for m in given) or _joins_places(node, channels_last):
        return None
    if operator_info(node).permutes_axes:
        return _permuted(node, given[0])
    if _keeps_places(node, channels_last):
        return replace(given[0], field=_union_at(node, sources, [m.field for m in given]))
    if channels_last:
        return None
    return _through_window(node, given[0]) or _without_places(node)


def _of_vectors(node: fx.Node, given: list[_Map]) -> _Map | None:
    """Keep a vector one until it is spread over places again, as by a gate.

    [C, 1, 1] is a map again, whose units see the whole image.
    """
    if not all(m.vector for m in given):
        return None
    shape = shape_of(node)
    return _Map(None, vector=not (shape is not None and len(shape) == 3 and shape[1:] == (1, 1)))


def _without_places(node: fx.Node) -> _Map | None:
    """Return a vector if the map was pooled to one value per channel, [C]."""
    shape = shape_of(node)
    is_vector = operator_info(node).flattens and shape is not None and len(shape) == 1
    return _Map(None, vector=True) if is_vector else None


def _keeps_places(node: fx.Node, channels_last: bool) -> bool:
    """Return whether each place of the output depends on the same place of the inputs only."""
    info = operator_info(node)
    if info.pointwise:
        return True
    if not channels_last:
        return info.rearranges_channels and _keeps_rows_and_columns(node)
    is_norm = operator_name(node) == "layer_norm"
    return info.pointwise_channels_last and (not is_norm or len(_ints(node.args[1])) == 1)


def _union_at(
    node: fx.Node, sources: list[fx.Node], fields: list[ReceptiveField | None]
) -> ReceptiveField | None:
    """Return the union, or None if an input of other size is spread over the output's places."""
    spread = {_rows_and_columns(source) for source in sources} != {_rows_and_columns(node)}
    return None if spread else _union(fields)


def _through_window(node: fx.Node, given: _Map) -> _Map | None:
    if operator_info(node).over_all:
        return _pooled(node, given)
    window = sliding_window(node)
    if window is None:
        return None
    return _Map(given.field and _through(given.field, window))


def _pooled(node: fx.Node, given: _Map) -> _Map | None:
    """Return a map whose units see the whole image.

    An adaptive pool may have nothing to pool, as VGG's from 7 × 7 to 7 × 7: the map then stays.
    """
    source, shape = shape_of(tensor_inputs(node)[0]), shape_of(node)
    if shape is None or len(shape) != 3:
        return None
    if operator_name(node).startswith("adaptive") and shape == source:
        return given
    if operator_name(node) == "mean" and shape[1:] != (1, 1):
        return None
    return _Map(None)


def _joins_places(node: fx.Node, channels_last: bool) -> bool:
    """Return True for a concatenation along any axis but that of the channels."""
    axis = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)
    return operator_name(node) == "cat" and axis not in ((3, -1) if channels_last else (1, -3))


def _permuted(node: fx.Node, given: _Map) -> _Map | None:
    order = [axis % 4 for axis in _ints(node.args[1])]
    if order == [0, 2, 3, 1] and not given.channels_last:
        return replace(given, channels_last=True)
    if order == [0, 3, 1, 2] and given.channels_last:
        return replace(given, channels_last=False)
    return None


def _keeps_rows_and_columns(node: fx.Node) -> bool:
    """Return whether an operator that rearranges channels leaves the last two axes as they were."""
    source, allowed = node.args[0], operator_info(node).axes
    if not isinstance(source, fx.Node):
        return False
    swaps = operator_name(node) == "transpose"
    # Two axes are only swapped between groups and channels: (B, groups, C / groups, H, W).
    if swaps and _axes(source) != 5:
        return False
    if allowed is not None and not set(node.args[1 : 3 if swaps else 2]) <= allowed:
        return False
    return _rows_and_columns(source) == _rows_and_columns(node) is not None


def _axes(node: fx.Node) -> int:
    value = node.meta.get("val")
    return value.ndim if isinstance(value, Tensor) else 0


def _rows_and_columns(node: fx.Node) -> Pair | None:
    value = node.meta.get("val")
    first = value[0] if isinstance(value, list | tuple) and value else value
    if not isinstance(first, Tensor) or first.ndim < 3:
        return None
    height, width = first.shape[-2:]
    return (height, width) if isinstance(height, int) and isinstance(width, int) else None


def _through(field: ReceptiveField, window: SlidingWindow) -> ReceptiveField:
    rows, columns = (_along(field, window, axis) for axis in (0, 1))
    return ReceptiveField(*zip(rows, columns, strict=True))


def _along(field: ReceptiveField, window: SlidingWindow, axis: int) -> tuple[int, int, int]:
    """Return size, stride and first pixel behind the window, along one axis."""
    jump = field.stride[axis]
    size = field.size[axis] + (window.kernel[axis] - 1) * window.dilation[axis] * jump
    return size, jump * window.stride[axis], field.first[axis] - window.padding[axis] * jump


def _union(given: list[ReceptiveField | None]) -> ReceptiveField | None:
    """Return the smallest field that holds all of them.

    Return None, the whole image, where one of them does, or where the strides differ.
    """
    fields = [field for field in given if field is not None]
    if len(fields) < len(given) or len({field.stride for field in fields}) != 1:
        return None
    first, last = zip(*(_extent(fields, axis) for axis in (0, 1)), strict=True)
    return replace(fields[0], first=first, size=(last[0] - first[0], last[1] - first[1]))


def _extent(fields: list[ReceptiveField], axis: int) -> Pair:
    """Return the first pixel of all fields, and the one behind the last."""
    first = min(field.first[axis] for field in fields)
    return first, max(field.first[axis] + field.size[axis] for field in fields)


def _ints(value: object) -> list[int]:
    if isinstance(value, int):
        return [value]
    return [int(item) for item in value] if isinstance(value, list | tuple) else []
