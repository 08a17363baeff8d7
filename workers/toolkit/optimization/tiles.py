"""Overlapping tiles, through which a network of one input size sees pictures of any size.

The picture's edges meet, as on a torus, so that the tiles can be shifted at random from step to
step and no place is always at the border of a tile (Mordvintsev et al. 2015). A picture smaller
than a tile is repeated to fill it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import ceil

import torch
from torch import Tensor

Offset = tuple[int, int]
"""(down, right) in pixels"""


@dataclass(frozen=True)
class Tiles:
    """Square tiles of `side` pixels, placed as evenly as possible.

    Where there are several in a row, they overlap by at least `overlap` pixels.
    """

    height: int
    width: int
    side: int
    overlap: int

    @cached_property
    def rows(self) -> int:
        """The number of tiles in a column."""
        return tiles_needed(self.height, self.side, self.overlap)

    @cached_property
    def columns(self) -> int:
        """The number of tiles in a row."""
        return tiles_needed(self.width, self.side, self.overlap)

    @property
    def count(self) -> int:
        """The number of all tiles."""
        return self.rows * self.columns

    def cut(self, picture: Tensor, offset: Offset = (0, 0)) -> Tensor:
        """Cut the tiles, the first with its corner at `offset`.

        (1, C, H, W) → (count, C, side, side)
        """
        wide = picture[0].roll((-offset[0], -offset[1]), (1, 2))
        for axis, extent in enumerate(self._extent, 1):
            wide = _repeat(wide, axis, extent)
        side = self.side
        return torch.stack([wide[:, y : y + side, x : x + side] for y, x in self._corners])

    def join(self, tiles: Tensor, offset: Offset = (0, 0)) -> Tensor:
        """Blend the tiles into a picture; where they overlap, one fades into the next.

        (count, C, side, side) → (1, C, H, W)
        """
        alone = self.count == 1 and self._extent == (self.height, self.width)
        joined = tiles[0] if alone else self._sum(tiles * _shares(self, tiles.device).to(tiles))
        return joined.roll(offset, (1, 2))[None]

    @cached_property
    def _corners(self) -> list[Offset]:
        down = [round(i * self.height / self.rows) for i in range(self.rows)]
        across = [round(i * self.width / self.columns) for i in range(self.columns)]
        return [(y, x) for y in down for x in across]

    @property
    def _extent(self) -> tuple[int, int]:
        """The height and width of what the tiles cover together."""
        y, x = self._corners[-1]
        return y + self.side, x + self.side

    def _taper(self) -> Tensor:
        """Return (side, side): 1 in the middle, with linear ramps where other tiles overlap."""
        down = _ramp(self.side, self.height, self.rows)
        across = _ramp(self.side, self.width, self.columns)
        return down[:, None] * across

    def _sum(self, tiles: Tensor) -> Tensor:
        """Add up what falls on each pixel: (count, C, side, side) → (C, H, W)."""
        height, width = self._extent
        wide = tiles.new_zeros(tiles.shape[1], height, width)
        for tile, (y, x) in zip(tiles, self._corners, strict=True):
            wide[:, y : y + self.side, x : x + self.side] += tile
        return _fold(_fold(wide, 1, self.height), 2, self.width)


def tiles_needed(length: int, side: int, overlap: int) -> int:
    """Return how many tiles cover a row of that length."""
    return 1 if length <= side else ceil(length / (side - overlap))


@lru_cache(maxsize=4)  # for a large picture an entry is as large as one channel of all tiles
def _shares(tiles: Tiles, device: torch.device) -> Tensor:
    """Return each tile's share in its pixels: (count, 1, side, side), 1 over all tiles of a pixel.

    Kept between steps.
    """
    taper = tiles._taper().to(device).expand(tiles.count, 1, -1, -1)
    return taper / tiles.cut(tiles._sum(taper)[None])


def _repeat(picture: Tensor, axis: int, extent: int) -> Tensor:
    """Repeat the picture along the axis up to that length."""
    length = picture.shape[axis]
    if length == extent:
        return picture
    return picture.index_select(axis, torch.arange(extent, device=picture.device).remainder(length))


def _ramp(side: int, length: int, count: int) -> Tensor:
    """Return the weights along a tile's side, (side,)."""
    shared = side - length // count
    distance = torch.arange(side, dtype=torch.float32).add(0.5)
    if shared <= 0:
        return distance * 0 + 1
    return torch.minimum(distance, distance.flip(0)).div(max(shared, 1)).clamp(max=1)


def _fold(wide: Tensor, axis: int, length: int) -> Tensor:
    """Add what lies beyond `length` to the beginning."""
    pieces: Sequence[Tensor] = torch.split(wide, length, axis)
    folded: Tensor = pieces[0].clone()
    for piece in pieces[1:]:
        folded.narrow(axis, 0, piece.shape[axis]).add_(piece)
    return folded
