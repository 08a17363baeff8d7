"""The input pixels that each unit of a map sees, exactly.

Rows and columns are treated alike and apart. What one unit sees along an axis is a set of pixels,
held as the bits of a number: with dilation or at a border it is not a range. So a box is right at
the borders too, where the receptive field of an inner unit, clipped to the image, may be too large.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import fx

from workers.toolkit.network.graph import operator_name
from workers.toolkit.network.types import Pair
from workers.toolkit.network.windows import (
    SlidingWindow,
    arguments,
    cropping_window,
    sliding_window,
)

Along = tuple[int, ...]
"""What each unit along one axis sees: pixel i if bit i is set."""

Reads = list[list[int]]
"""The places of the input, along one axis, that each place of the output reads."""


@dataclass(frozen=True)
class SeenPixels:
    """What the units of a map see: the unit at y, x sees the pixels rows[y] × columns[x]."""

    rows: Along
    columns: Along

    def box(self, y: int, x: int) -> tuple[int, int, int, int]:
        """Return (left, top, right, bottom) of what the unit at y, x sees.

        The box of a unit that sees only padding is empty: (0, 0, 0, 0).
        """
        rows, columns = self.rows[y], self.columns[x]
        if not rows or not columns:
            return 0, 0, 0, 0
        (top, bottom), (left, right) = extent(rows), extent(columns)
        return left, top, right, bottom

    def through(self, rows: Reads, columns: Reads) -> "SeenPixels":
        """Return what the units of an operator see that reads these places."""
        return SeenPixels(_gather(self.rows, rows), _gather(self.columns, columns))

    def everywhere(self, size: Pair) -> "SeenPixels":
        """Return what the units of an operator see that reads all places."""
        along = list(range(len(self.rows))), list(range(len(self.columns)))
        return self.through([along[0]] * size[0], [along[1]] * size[1])


def whole_image(size: Pair) -> SeenPixels:
    """Return what the pixels of the image see: themselves."""
    return SeenPixels(*(tuple(1 << i for i in range(side)) for side in size))


def union(given: Sequence[SeenPixels], size: Pair) -> SeenPixels:
    """Return what units see that read the same place of each; a single place is spread."""
    if len(given) == 1 and (len(given[0].rows), len(given[0].columns)) == size:
        return given[0]
    rows, columns = ([one.rows for one in given], [one.columns for one in given])
    return SeenPixels(_joined(rows, size[0]), _joined(columns, size[1]))


def extent(pixels: int) -> Pair:
    """Return the first pixel of a set that is not empty, and the one behind its last."""
    return (pixels & -pixels).bit_length() - 1, pixels.bit_length()


def reads(node: fx.Node, given: Pair, size: Pair) -> tuple[Reads, Reads] | None:
    """Return what each row and each column of the node's output reads.

    `given` and `size` are height and width of input and output. Return None for an operator that
    is no window, pool, padding or crop over rows and columns.
    """
    window = sliding_window(node)
    if window is not None:
        rows, columns = (_of_window(window, axis, given, size) for axis in (0, 1))
    elif operator_name(node).startswith("adaptive"):
        rows, columns = (_of_adaptive(given[axis], size[axis]) for axis in (0, 1))
    elif operator_name(node) == "pad":
        rows, columns = (_of_padding(node, axis, given, size) for axis in (0, 1))
    elif crop := cropping_window(node):
        rows, columns = (_of_window(crop, axis, given, size) for axis in (0, 1))
    else:
        return None
    return rows, columns


def padding_before(node: fx.Node) -> Pair:
    """Return how many rows and columns a padding puts before the first one."""
    left, _, top, _ = [*arguments(node)["pad"], 0, 0, 0][:4]
    return top, left


def _of_window(window: SlidingWindow, axis: int, given: Pair, size: Pair) -> Reads:
    kernel, dilation = window.kernel[axis], window.dilation[axis]
    starts = (i * window.stride[axis] - window.padding[axis] for i in range(size[axis]))
    taps = range(0, kernel * dilation, dilation)
    return [[start + tap for tap in taps if 0 <= start + tap < given[axis]] for start in starts]


def _of_adaptive(given: int, size: int) -> Reads:
    """Return the windows of an adaptive pool, as PyTorch divides the places."""
    return [list(range(i * given // size, -(-(i + 1) * given // size))) for i in range(size)]


def _of_padding(node: fx.Node, axis: int, given: Pair, size: Pair) -> Reads:
    """Return the place that reflection, replication or a circle puts at each place."""
    before, side = padding_before(node)[axis], given[axis]
    places = range(-before, size[axis] - before)
    match arguments(node)["mode"]:
        case "reflect":
            turn = max(2 * side - 2, 1)
            return [[abs((i + side - 1) % turn - side + 1)] for i in places]
        case "replicate":
            return [[min(max(i, 0), side - 1)] for i in places]
        case _:
            return [[i % side] for i in places]


def _gather(along: Along, read: Reads) -> Along:
    return tuple(_all_of(along, places) for places in read)


def _all_of(along: Along, places: list[int]) -> int:
    found = 0
    for place in places:
        found |= along[place]
    return found


def _joined(given: Sequence[Along], size: int) -> Along:
    spread = [along * size if len(along) == 1 else along for along in given]
    return tuple(_all_of(units, list(range(len(units)))) for units in zip(*spread, strict=True))
