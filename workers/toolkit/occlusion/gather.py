"""Crops of maps that a patch has changed in part.

Changed pixels come from the delta, all others from the clean map.
"""

import weakref
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from workers.toolkit.occlusion.intervals import Spans, Windows, windows

_NOWHERE = -(2**29)


@dataclass(frozen=True)
class Border:
    """The padding of a map: a number of pixels on each side, all of one value."""

    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0
    value: float = 0.0


@dataclass(frozen=True)
class Cut:
    """The pixels that are read along one axis, counted from the edge of the border.

    Position i reads `size` pixels from starts[i] on, `step` apart.
    """

    starts: NDArray[np.int64]  # (n,)
    size: int
    step: int = 1


@dataclass(frozen=True)
class Place:
    """The windows of a batch in one map: rows and columns of each position."""

    rows: Windows
    columns: Windows

    @property
    def area(self) -> int:
        """The number of pixels of a window."""
        return self.rows.size * self.columns.size

    def same(self, other: "Place") -> bool:
        """Return whether the other windows are the same."""
        return self is other or (self.rows.same(other.rows) and self.columns.same(other.columns))


def enclosing_place(rows: Spans, columns: Spans, size: tuple[int, int]) -> Place:
    """Return the smallest windows that hold these spans, in a map of that size."""
    return Place(windows(rows, size[0]), windows(columns, size[1]))


@dataclass(frozen=True)
class Delta:
    """Maps (n, C, H, W) that differ from the clean one in their windows only.

    `values` (n, C, h, w) is what the windows show.
    """

    values: Tensor
    place: Place


class PixelTable:
    """The pixels of one clean map (1, C, H, W) with its border, and those of a delta, one per row.

    With both in one table, one `index_select` cuts any crops out of them.
    """

    def __init__(self, clean: Tensor, border: Border) -> None:
        sides = (border.left, border.right, border.top, border.bottom)
        framed = F.pad(clean, sides, value=border.value) if any(sides) else clean
        self._border = border
        self._channels, self._height, self._width = framed.shape[1:]
        self._count = self._height * self._width
        self._rows = framed.permute(0, 2, 3, 1).reshape(self._count, self._channels)  # (H·W, C)
        self._appended: weakref.ref[Delta] | None = None

    def cut(self, delta: Delta, rows: Cut, columns: Cut) -> Tensor:
        """Return crops (n, C, rows, columns) of the changed maps, laid out channels last."""
        self._append(delta)
        return self._select(self._index(delta.place, rows, columns))

    def clean(self, place: Place) -> Tensor:
        """Return what the windows show in the clean map, (n, C, h, w)."""
        y, x = (_wanted(Cut(axis.starts, axis.size)) for axis in (place.rows, place.columns))
        return self._select(_sums((y + self._border.top) * self._width, x + self._border.left))

    def _select(self, index: Tensor) -> Tensor:
        """Return the pixels of these numbers: (n, rows, columns) → (n, C, rows, columns)."""
        index = index.to(self._rows.device)
        crops = self._rows.index_select(0, index.view(-1))
        return crops.view(*index.shape, self._channels).permute(0, 3, 1, 2)

    def _append(self, delta: Delta) -> None:
        """Write the delta's pixels behind those of the clean map, unless they are there."""
        if self._appended is not None and self._appended() is delta:
            return
        n, _, height, width = delta.values.shape
        needed = self._count + n * height * width
        if len(self._rows) < needed:
            longer = self._rows.new_empty(needed, self._channels)
            longer[: self._count] = self._rows[: self._count]
            self._rows = longer
        tail = self._rows[self._count : needed].view(n, height, width, self._channels)
        tail.copy_(delta.values.permute(0, 2, 3, 1))
        self._appended = weakref.ref(delta)

    def _index(self, place: Place, rows: Cut, columns: Cut) -> Tensor:
        """Return the number of the row of each wanted pixel, (n, rows, columns).

        A changed pixel has a number in the clean map and a larger one in the delta. A pixel
        outside its window has none in the delta.
        """
        y, x = _wanted(rows), _wanted(columns)
        down = _inside(y, place.rows, self._border.top)
        across = _inside(x, place.columns, self._border.left)
        window = place.rows.size * place.columns.size
        first = self._count + np.arange(len(y))[:, None] * window
        changed = _sums(np.where(down < 0, _NOWHERE, first + down * place.columns.size), across)
        return torch.maximum(_sums(y * self._width, x), changed)


def _wanted(cut: Cut) -> NDArray[np.int64]:
    """Return the pixels of a cut, (n, size)."""
    return cut.starts[:, None] + np.arange(cut.size) * cut.step


def _inside(wanted: NDArray[np.int64], windows: Windows, border: int) -> NDArray[np.int64]:
    """Return the number of each pixel in its window, or one far below zero, (n, size)."""
    at = wanted - border - windows.starts[:, None]
    return np.where((at >= 0) & (at < windows.size), at, _NOWHERE)


def _sums(down: NDArray[np.int64], across: NDArray[np.int64]) -> Tensor:
    """Return the sum of each row and each column: (n, rows), (n, columns) → (n, rows, columns)."""
    rows, columns = (torch.from_numpy(part.astype(np.int32)) for part in (down, across))
    return rows[:, :, None] + columns[:, None, :]
