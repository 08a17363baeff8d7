"""Grids of cells over an image: where the rows and columns of a map lie, in pixels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf

from workers.toolkit.network.types import Pair

Edges = tuple[float, float]
"""Begin and end along an axis: pixel i lies between i and i + 1."""

# Two grids are alike if their centres differ by less than this share of a cell of the coarsest map.
_MOST_SHIFT = 0.75


@dataclass(frozen=True)
class Grid:
    """Cells over the image, all in pixels.

    `stride` is the spacing of their centres and `first` the first centre. `coarsest` is the largest
    spacing on the way from the image: resizing such a map may shift it by half of that. `reach` is
    how far windows see beyond a centre. `rows` and `columns` are where the image was cropped on the
    way: the first edge and the last, of which nothing beyond is seen.
    """

    size: Pair
    stride: tuple[float, float] = (1.0, 1.0)
    first: tuple[float, float] = (0.0, 0.0)
    coarsest: tuple[float, float] = (1.0, 1.0)
    reach: tuple[float, float] = (0.0, 0.0)
    rows: Edges = (-inf, inf)
    columns: Edges = (-inf, inf)

    def is_like(self, other: "Grid") -> bool:
        """Return whether the cells of both grids cover about the same parts of the image."""
        return self.size == other.size and self.shift_from(other) < _MOST_SHIFT

    def shift_from(self, other: "Grid") -> float:
        """Return by how much the first and the last centres differ from those of as many cells.

        The larger difference along either axis is returned, relative to a cell of the coarsest map.
        """
        return max(self._shift_along(axis, other) for axis in (0, 1))

    def _shift_along(self, axis: int, other: "Grid") -> float:
        last = self.size[axis] - 1
        shifts = (
            self.first[axis] - other.first[axis] + index * (self.stride[axis] - other.stride[axis])
            for index in (0, last)
        )
        return max(map(abs, shifts)) / max(self.coarsest[axis], other.coarsest[axis])

    def _made(self, size: Pair, stride: Iterable[float], first: Iterable[float]) -> "Grid":
        spacing = pair_of(stride)
        coarsest = pair_of(map(max, self.coarsest, spacing))
        return replace(self, size=size, stride=spacing, first=pair_of(first), coarsest=coarsest)

    def part(self, rows: range, columns: range) -> "Grid":
        """Return the grid of every so many cells.

        Cells beyond the first and the last are cropped, except those that a step leaves out.
        """
        spans = (rows, columns)
        made = self._made(
            (len(rows), len(columns)),
            (self.stride[axis] * spans[axis].step for axis in (0, 1)),
            (self.first[axis] + self.stride[axis] * spans[axis].start for axis in (0, 1)),
        )
        return _cropped(
            made,
            [span.start >= span.step for span in spans],
            [self.size[axis] - spans[axis].stop + 1 > spans[axis].step for axis in (0, 1)],
        )

    def windowed(self, size: Pair, kernel: Pair, stride: Pair, padding: Pair) -> "Grid":
        """Return the grid of a window that slides over the cells.

        Negative padding crops, and so does an end that no further window would reach.
        """
        middle = [(kernel[axis] - 1) / 2 for axis in (0, 1)]
        made = self._made(
            size,
            (self.stride[axis] * stride[axis] for axis in (0, 1)),
            (
                self.first[axis] + self.stride[axis] * (middle[axis] - padding[axis])
                for axis in (0, 1)
            ),
        )
        reach = pair_of(self.reach[axis] + self.stride[axis] * middle[axis] for axis in (0, 1))
        last = [(size[axis] - 1) * stride[axis] + kernel[axis] - padding[axis] for axis in (0, 1)]
        return _cropped(
            replace(made, reach=reach),
            [padding[axis] < 0 for axis in (0, 1)],
            [self.size[axis] - last[axis] >= stride[axis] for axis in (0, 1)],
        )

    def resized(self, size: Pair) -> "Grid":
        """Return a grid of another size over the same part of the image."""
        stride = pair_of(self.stride[axis] * self.size[axis] / size[axis] for axis in (0, 1))
        first = (self.first[axis] + (stride[axis] - self.stride[axis]) / 2 for axis in (0, 1))
        return self._made(size, stride, first)


def all_alike(grids: Sequence[Grid]) -> bool:
    """Return whether all grids cover about the same parts of the image with as many cells."""
    return all(grids[0].is_like(grid) for grid in grids[1:])


def uncropped(grid: Grid, grids: Sequence[Grid]) -> Grid:
    """Return the grid with all pixels that any of several grids sees, which are alike."""
    rows, columns = zip(*((one.rows, one.columns) for one in grids), strict=True)
    return replace(grid, rows=_outermost(rows), columns=_outermost(columns))


def pair_of(values: Iterable[float]) -> tuple[float, float]:
    """Return (vertical, horizontal) of two numbers."""
    vertical, horizontal = values
    return float(vertical), float(horizontal)


def _cropped(grid: Grid, before: Sequence[bool], after: Sequence[bool]) -> Grid:
    """Return the grid with an edge where cells were cropped before the first or after the last."""
    rows, columns = (
        _cropped_edges(grid, axis, edges, before[axis], after[axis])
        for axis, edges in enumerate((grid.rows, grid.columns))
    )
    return replace(grid, rows=rows, columns=columns)


def _cropped_edges(grid: Grid, axis: int, edges: Edges, before: bool, after: bool) -> Edges:
    first, stride = grid.first[axis] + 0.5, grid.stride[axis]
    # At least its own cell, where windows leave pixels out.
    reach = max(grid.reach[axis] + 0.5, stride / 2)
    last = first + (grid.size[axis] - 1) * stride
    begin = max(edges[0], first - reach) if before else edges[0]
    return begin, min(edges[1], last + reach) if after else edges[1]


def _outermost(edges: Sequence[Edges]) -> Edges:
    return min(begin for begin, _ in edges), max(end for _, end in edges)
