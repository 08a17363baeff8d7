"""Pictures of any size before a network of one size: overlapping tiles that may lie anywhere.

The picture's edges meet, as on a torus, so that tiles can be moved at random from step to step: no place is always at
the border of a tile (Mordvintsev et al. 2015). A picture smaller than a tile is repeated to fill it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import torch
from torch import Tensor

Offset = tuple[int, int]


@dataclass(frozen=True)
class Tiles:
    """Square tiles of `side` pixels, as even as can be; where there are several they overlap by `overlap` or more."""

    height: int
    width: int
    side: int
    overlap: int

    @property
    def count(self) -> int:
        return len(self._corners)

    @property
    def rows(self) -> int:
        return parts(self.height, self.side, self.overlap)

    @property
    def columns(self) -> int:
        return parts(self.width, self.side, self.overlap)

    def cut(self, picture: Tensor, offset: Offset = (0, 0)) -> Tensor:
        """(1, C, H, W) → (count, C, side, side), the first tile's corner at `offset`."""
        wide = picture[0].roll((-offset[0], -offset[1]), (1, 2))
        for axis, extent in enumerate(self._extent, 1):
            wide = _repeated(wide, axis, extent)
        return torch.stack(
            [wide[:, y : y + self.side, x : x + self.side] for y, x in self._corners]
        )

    def join(self, tiles: Tensor, offset: Offset = (0, 0)) -> Tensor:
        """(count, C, side, side) → (1, C, H, W): where tiles overlap, one passes gradually into the next."""
        alone = self.count == 1 and self._extent == (self.height, self.width)
        joined = tiles[0] if alone else self._sum(tiles * _shares(self, tiles.device).to(tiles))
        return joined.roll(offset, (1, 2))[None]

    @property
    def _extent(self) -> tuple[int, int]:
        return self._corners[-1][0] + self.side, self._corners[-1][1] + self.side

    @property
    def _corners(self) -> list[Offset]:
        down = [round(i * self.height / self.rows) for i in range(self.rows)]
        across = [round(i * self.width / self.columns) for i in range(self.columns)]
        return [(y, x) for y in down for x in across]

    @property
    def _taper(self) -> Tensor:
        """(side, side): 1 in the middle, falling in a straight line to the borders that others overlap."""
        return _ramp(self.side, self.height, self.rows)[:, None] * _ramp(
            self.side, self.width, self.columns
        )

    def _sum(self, tiles: Tensor) -> Tensor:
        """(count, C, side, side) → (C, H, W), all that falls on one pixel added up."""
        height, width = self._extent
        wide = tiles.new_zeros(tiles.shape[1], height, width)
        for tile, (y, x) in zip(tiles, self._corners, strict=True):
            wide[:, y : y + self.side, x : x + self.side] += tile
        return _folded(_folded(wide, 1, self.height), 2, self.width)


def parts(length: int, side: int, overlap: int) -> int:
    """How many tiles stand in a row of that length."""
    return 1 if length <= side else ceil(length / (side - overlap))


@lru_cache(maxsize=4)  # of a large picture it is as large as a channel of all tiles
def _shares(tiles: Tiles, device: torch.device) -> Tensor:
    """(count, 1, side, side): how much of a pixel each tile counts, 1 in all that hold it together."""
    taper = tiles._taper.to(device).expand(tiles.count, 1, -1, -1)
    return taper / tiles.cut(tiles._sum(taper)[None])


def _repeated(picture: Tensor, axis: int, extent: int) -> Tensor:
    """As long along that axis, beginning again where it ends."""
    length = picture.shape[axis]
    if length == extent:
        return picture
    return picture.index_select(axis, torch.arange(extent, device=picture.device).remainder(length))


def _ramp(side: int, length: int, count: int) -> Tensor:
    shared = side - length // count
    distance = torch.arange(side, dtype=torch.float32).add(0.5)
    return (
        torch.minimum(distance, distance.flip(0)).div(max(shared, 1)).clamp(max=1)
        if shared > 0
        else distance * 0 + 1
    )


def _folded(wide: Tensor, axis: int, length: int) -> Tensor:
    """What lies beyond `length` is laid over the beginning."""
    pieces: Sequence[Tensor] = torch.split(wide, length, axis)
    folded: Tensor = pieces[0].clone()
    for piece in pieces[1:]:
        folded.narrow(axis, 0, piece.shape[axis]).add_(piece)
    return folded
