"""A receptive field that all units of a map share, each moved by the stride."""

from dataclasses import dataclass, replace

from torch import fx

from workers.toolkit.network.graph import operator_name
from workers.toolkit.network.seen_pixels import Along, SeenPixels, extent, padding_before
from workers.toolkit.network.types import Pair
from workers.toolkit.network.windows import (
    SlidingWindow,
    arguments,
    cropping_window,
    sliding_window,
)


@dataclass(frozen=True)
class ReceptiveField:
    """The receptive field of the units of one map, [vertical, horizontal].

    `first` is the first pixel that unit 0,0 sees. At the borders, a field reaches beyond the image.
    """

    size: Pair
    stride: Pair
    first: Pair


def regular_window(node: fx.Node, given: Pair, size: Pair) -> SlidingWindow | None:
    """Return the window of a convolution, pool, padding or crop that is the same at each place.

    `given` and `size` are height and width of input and output. An adaptive pool has one where
    the sizes divide; a circular padding has none.
    """
    window = sliding_window(node) or cropping_window(node)
    if window is not None:
        return window
    if operator_name(node) == "pad":
        mirrors = arguments(node)["mode"] in ("reflect", "replicate")
        return SlidingWindow((1, 1), (1, 1), padding_before(node), (1, 1)) if mirrors else None
    if any(before % after for before, after in zip(given, size, strict=True)):
        return None
    kernel = given[0] // size[0], given[1] // size[1]
    return SlidingWindow(kernel, kernel, (0, 0), (1, 1))


def through_window(field: ReceptiveField, window: SlidingWindow) -> ReceptiveField:
    """Return the field of a window's output."""
    rows, columns = (_along(field, window, axis) for axis in (0, 1))
    return ReceptiveField(*zip(rows, columns, strict=True))


def union_of_fields(fields: list[ReceptiveField]) -> ReceptiveField | None:
    """Return the smallest field that holds all of them, or None if their strides differ."""
    if len({field.stride for field in fields}) != 1:
        return None
    first, last = zip(*(_extent(fields, axis) for axis in (0, 1)), strict=True)
    return replace(fields[0], first=first, size=(last[0] - first[0], last[1] - first[1]))


def holds(field: ReceptiveField, seen: SeenPixels) -> bool:
    """Return whether no unit sees a pixel outside of its field."""
    return all(_holds(field, units, axis) for axis, units in enumerate((seen.rows, seen.columns)))


def _holds(field: ReceptiveField, units: Along, axis: int) -> bool:
    for i, pixels in enumerate(units):
        first = field.first[axis] + i * field.stride[axis]
        begin, end = extent(pixels) if pixels else (first, first)
        if begin < first or end > first + field.size[axis]:
            return False
    return True


def _along(field: ReceptiveField, window: SlidingWindow, axis: int) -> tuple[int, int, int]:
    """Return size, stride and first pixel behind the window, along one axis."""
    jump = field.stride[axis]
    size = field.size[axis] + (window.kernel[axis] - 1) * window.dilation[axis] * jump
    return size, jump * window.stride[axis], field.first[axis] - window.padding[axis] * jump


def _extent(fields: list[ReceptiveField], axis: int) -> Pair:
    """Return the first pixel of all fields, and the one behind the last."""
    first = min(field.first[axis] for field in fields)
    return first, max(field.first[axis] + field.size[axis] for field in fields)
