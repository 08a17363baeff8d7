"""Where in the image each value of a tensor is: the places that an analysis of a graph follows.

A place is a cell of a grid of rows and columns over the image. Every value of a tensor has one
code: the index of its cell, row by row; WHOLE if it belongs to no cell in particular, as after a
global mean or in a class token; UNPROVED if operators met that make its cell ambiguous.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from workers.toolkit.network.grid import Grid, all_alike, pair_of, uncropped

WHOLE = -1
UNPROVED = -2


@dataclass(frozen=True)
class Places:
    """The codes of a tensor for one image, in the tensor's shape, and the grid that they count."""

    codes: Tensor  # int32
    grid: Grid | None

    @property
    def shape(self) -> torch.Size:
        """The shape of the tensor for a batch of one."""
        return self.codes.shape

    @property
    def is_whole(self) -> bool:
        """Whether no value belongs to a cell."""
        return bool((self.codes == WHOLE).all())


def whole(shape: Sequence[int], device: torch.device) -> Places:
    """Return the places of a tensor that belongs to no cell."""
    return Places(_constant(WHOLE, shape, device), None)


def unproved(shape: Sequence[int], device: torch.device) -> Places:
    """Return the places of a tensor of which nothing is known."""
    return Places(_constant(UNPROVED, shape, device), None)


def image_places(shape: Sequence[int], device: torch.device) -> Places:
    """Return the places of an image (1, C, H, W): each pixel is a cell."""
    return map_places(shape, Grid((shape[-2], shape[-1])), device)


def map_places(shape: Sequence[int], grid: Grid, device: torch.device) -> Places:
    """Return the places of a map (N, C, H, W) that is laid out like the grid."""
    height, width = grid.size
    if height * width == 1:
        return whole(shape, device)
    codes = torch.arange(height * width, dtype=torch.int32, device=device)
    return Places(codes.view(height, width).expand(tuple(shape)), grid)


def join(given: Sequence[Places], shape: Sequence[int]) -> Places:
    """Return the places of what is computed from tensors value by value, broadcast to a shape.

    Where one belongs to a cell and the others to none, the result belongs to that cell.
    """
    grids = [places.grid for places in given if places.grid is not None]
    codes = [distinct(places.codes) for places in given]
    joined = codes[0]
    for code in codes[1:]:
        joined = _joined(joined, code)
    joined = joined.expand(tuple(shape))
    if not all_alike(grids):
        return Places(joined.clamp(max=WHOLE).masked_fill(joined != WHOLE, UNPROVED), None)
    if not grids:
        return Places(joined, None)
    return Places(joined, uncropped(max(grids, key=lambda grid: grid.coarsest), grids))


def reduce(places: Places, axes: Sequence[int], *, blocks: bool = True) -> Places:
    """Return the places after a sum over axes, which are kept with size 1.

    A sum over values of one cell belongs to that cell. With `blocks`, sums over equal blocks of
    cells that do not overlap belong to a coarser grid, as after patches are merged. A sum over
    other cells belongs to none.
    """
    axes = [axis % places.codes.ndim for axis in axes]
    kept = [1 if i in axes else size for i, size in enumerate(places.shape)]
    if all(places.codes.stride(axis) == 0 for axis in axes):
        codes = places.codes
        for axis in axes:
            codes = codes.narrow(axis, 0, 1)
        return Places(codes, places.grid)
    others = [i for i in range(places.codes.ndim) if i not in axes]
    rows = places.codes.permute(*others, *axes).reshape(-1, _count(places.shape, axes))
    highest = rows.amax(1)
    lowest = torch.where(rows < 0, torch.iinfo(torch.int32).max, rows).amin(1)
    spread = (highest >= 0) & (lowest != highest)
    summed = torch.where(spread, WHOLE, highest)
    grid = places.grid
    if blocks and grid is not None and bool(spread.any()):
        merged = _merged_blocks(rows[spread], grid)
        if merged is not None and bool((highest[~spread] < 0).all()):
            summed[spread], grid = merged
    summed = torch.where((rows == UNPROVED).any(1), UNPROVED, summed)
    return _trimmed(Places(summed.reshape(kept).int(), grid))


def distinct(codes: Tensor) -> Tensor:
    """Return the codes with size 1 along the axes along which they are expanded."""
    for axis, stride in enumerate(codes.stride()):
        if stride == 0 and codes.shape[axis] > 1:
            codes = codes.narrow(axis, 0, 1)
    return codes


def regrid(places: Places) -> Places:
    """Return the places counted in the grid of the cells that are left.

    If every second row is cut away, the cells of the others are renumbered. Places stay as they are
    if the cells that are left are no rows and columns at equal distances.
    """
    grid = places.grid
    if grid is None:
        return places
    height, width = grid.size
    valid = places.codes[places.codes >= 0]
    if not len(valid):
        return Places(places.codes, None)
    present = torch.bincount(valid, minlength=height * width).view(height, width) > 0
    rows, columns = _steps(present.any(1)), _steps(present.any(0))
    if rows is None or columns is None or int(present.sum()) != len(rows) * len(columns):
        return places
    if (len(rows), len(columns)) == grid.size:
        return places
    index = torch.full_like(present, WHOLE, dtype=torch.int32)
    count = torch.arange(len(rows) * len(columns), dtype=torch.int32, device=index.device)
    index[rows.start : rows.stop : rows.step, columns.start : columns.stop : columns.step] = (
        count.view(len(rows), len(columns))
    )
    renumbered = index.flatten()[places.codes.clamp(min=0).long()]
    codes = torch.where(places.codes >= 0, renumbered, places.codes)
    return _trimmed(Places(codes, grid.part(rows, columns)))


def _merged_blocks(rows: Tensor, grid: Grid) -> tuple[Tensor, Grid] | None:
    """Return the codes and the grid of blocks of cells, one block in each row.

    Return None unless all blocks are alike and no cell is in two of them.
    """
    y, x = rows // grid.size[1], rows % grid.size[1]
    valid = rows >= 0
    top = torch.where(valid, y, grid.size[0]).amin(1)
    left = torch.where(valid, x, grid.size[1]).amin(1)
    down = torch.where(valid, y - top[:, None], -1)
    across = torch.where(valid, x - left[:, None], -1)
    if bool((down != down[0]).any() or (across != across[0]).any()):
        return None
    block = (int(down.max()) + 1, int(across.max()) + 1)
    corners = regrid(Places((top * grid.size[1] + left).int(), grid))
    if corners.grid is None or corners.grid is grid:
        return None
    steps = [corners.grid.stride[axis] / grid.stride[axis] for axis in (0, 1)]
    if any(block[axis] > steps[axis] and corners.grid.size[axis] > 1 for axis in (0, 1)):
        return None
    first = pair_of(
        corners.grid.first[axis] + grid.stride[axis] * (block[axis] - 1) / 2 for axis in (0, 1)
    )
    return corners.codes, replace(corners.grid, first=first)


def _joined(one: Tensor, other: Tensor) -> Tensor:
    same = torch.where(one == other, one, UNPROVED)
    return torch.where(one == WHOLE, other, torch.where(other == WHOLE, one, same))


def _steps(present: Tensor) -> range | None:
    """Return the indices that are present as a range; None if their distances differ."""
    indices = present.nonzero().flatten().tolist()
    if len(indices) == 1:
        return range(indices[0], indices[0] + 1)
    step = indices[1] - indices[0]
    found = range(indices[0], indices[-1] + 1, step)
    return found if list(found) == indices else None


def _trimmed(places: Places) -> Places:
    """Return the places; a grid of one cell is the whole image."""
    if places.grid is None or places.grid.size != (1, 1):
        return places
    return Places(places.codes.clamp(max=WHOLE), None)


def _constant(code: int, shape: Sequence[int], device: torch.device) -> Tensor:
    return torch.full((), code, dtype=torch.int32, device=device).expand(tuple(shape))


def _count(shape: Sequence[int], axes: Sequence[int]) -> int:
    count = 1
    for axis in axes:
        count *= shape[axis]
    return count
