"""Pieces of maps that a patch has changed in part: changed pixels as they are now, the others from the clean map."""

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
    """What lies around a map: so many pixels of one value on each side."""

    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0
    value: float = 0.0


@dataclass(frozen=True)
class Cut:
    """Which pixels are wanted along one axis, in pixels of the map with its border."""

    starts: NDArray[np.int64]  # (n,)
    size: int
    step: int = 1


@dataclass(frozen=True)
class Place:
    """Where in a map the windows of a batch of positions lie."""

    rows: Windows
    columns: Windows

    @property
    def area(self) -> int:
        """Pixels of a window."""
        return self.rows.size * self.columns.size

    def same(self, other: "Place") -> bool:
        return self is other or (self.rows.same(other.rows) and self.columns.same(other.columns))


def place(rows: Spans, columns: Spans, size: tuple[int, int]) -> Place:
    """The smallest windows that hold these spans in a map of that size."""
    return Place(windows(rows, size[0]), windows(columns, size[1]))


@dataclass(frozen=True)
class Delta:
    """Maps (n, C, H, W) that are the clean one except in windows; `values` (n, C, h, w) is what these show."""

    values: Tensor
    place: Place


class Pixels:
    """The pixels of one clean map with its border and behind them those of a delta, a row each: one `index_select` cuts
    any pieces out of both."""

    def __init__(self, clean: Tensor, border: Border) -> None:
        """`clean` is (1, C, H, W)."""
        sides = (border.left, border.right, border.top, border.bottom)
        framed = F.pad(clean, sides, value=border.value) if any(sides) else clean
        self._border = border
        self._channels, self._height, self._width = framed.shape[1:]
        self._count = self._height * self._width
        self._rows = framed.permute(0, 2, 3, 1).reshape(self._count, self._channels)  # (H·W, C)
        self._taken: weakref.ref[Delta] | None = None

    def cut(self, delta: Delta, rows: Cut, columns: Cut) -> Tensor:
        """→ (n, C, rows, columns), laid out channels last."""
        self._take(delta)
        index = self._index(delta.place, rows, columns).to(self._rows.device)
        pieces = self._rows.index_select(0, index.view(-1))
        return pieces.view(*index.shape, self._channels).permute(0, 3, 1, 2)

    def clean(self, place: Place) -> Tensor:
        """What the windows would show if nothing had changed, → (n, C, h, w)."""
        y, x = (_wanted(Cut(axis.starts, axis.size)) for axis in (place.rows, place.columns))
        index = _sums((y + self._border.top) * self._width, x + self._border.left).to(
            self._rows.device
        )
        pieces = self._rows.index_select(0, index.view(-1))
        return pieces.view(*index.shape, self._channels).permute(0, 3, 1, 2)

    def _take(self, delta: Delta) -> None:
        if self._taken is not None and self._taken() is delta:
            return
        n, _, height, width = delta.values.shape
        needed = self._count + n * height * width
        if len(self._rows) < needed:
            longer = self._rows.new_empty(needed, self._channels)
            longer[: self._count] = self._rows[: self._count]
            self._rows = longer
        tail = self._rows[self._count : needed].view(n, height, width, self._channels)
        tail.copy_(delta.values.permute(0, 2, 3, 1))
        self._taken = weakref.ref(delta)

    def _index(self, place: Place, rows: Cut, columns: Cut) -> Tensor:
        """(n, rows, columns): a changed pixel has the larger number, and what lies outside the window none."""
        y, x = _wanted(rows), _wanted(columns)
        down = _inside(y, place.rows, self._border.top)
        across = _inside(x, place.columns, self._border.left)
        window = place.rows.size * place.columns.size
        first = self._count + np.arange(len(y))[:, None] * window
        changed = _sums(np.where(down < 0, _NOWHERE, first + down * place.columns.size), across)
        return torch.maximum(_sums(y * self._width, x), changed)


def _wanted(cut: Cut) -> NDArray[np.int64]:
    """(n, size)"""
    return cut.starts[:, None] + np.arange(cut.size) * cut.step


def _inside(wanted: NDArray[np.int64], windows: Windows, border: int) -> NDArray[np.int64]:
    """(n, size): number of the pixel in the window, or far below zero."""
    at = wanted - border - windows.starts[:, None]
    return np.where((at >= 0) & (at < windows.size), at, _NOWHERE)


def _sums(down: NDArray[np.int64], across: NDArray[np.int64]) -> Tensor:
    """(n, rows) and (n, columns) → (n, rows, columns)"""
    rows, columns = (torch.from_numpy(part.astype(np.int32)) for part in (down, across))
    return rows[:, :, None] + columns[:, None, :]
