"""How a layer's output is laid out, and how it becomes a vector (B, C) or a map (B, C, H, W)."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from workers.toolkit.network.places import WHOLE, Places, distinct
from workers.toolkit.network.types import Pair

Kind = Literal["vector", "map", "channels_last", "tokens", "channels_first_tokens"]


@dataclass(frozen=True)
class Layout:
    """The layout of one image's output.

    `vector` is [C], `map` [C, H, W], `channels_last` [H, W, C], `tokens` [T, C] and
    `channels_first_tokens` [C, T]. The first `prefix` tokens, such as a class token, belong to no
    place. The others are the places of `grid`, [H, W], row by row or in the order of `order`.
    """

    kind: Kind
    prefix: int = 0
    grid: Pair | None = None
    order: tuple[int, ...] | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the output already is a vector or a map with the channels first."""
        return self.kind in ("vector", "map")


def to_canonical(
    output: Tensor, kind: Kind, prefix: int, grid: Pair | None, order: tuple[int, ...] | None
) -> Tensor:
    """Return a layer's output as (B, C) or (B, C, H, W), without prefix tokens.

    The arguments are those of a Layout, since graphs hold plain values only.
    """
    if kind in ("vector", "map"):
        return output
    if kind == "channels_last":
        return output.permute(0, 3, 1, 2)
    assert grid is not None
    channels_first = output.transpose(1, 2) if kind == "tokens" else output  # (B, C, T)
    places = channels_first[:, :, prefix:]
    if order is not None:
        places = places[:, :, list(order)]
    return places.reshape(*places.shape[:2], *grid)


def from_canonical(
    places: Tensor, output: Tensor, kind: Kind, prefix: int, order: tuple[int, ...] | None
) -> Tensor:
    """Return the layer's output again, with the places of a map (B, C, H, W).

    Prefix tokens are taken from `output`. So a gradient by the map is one by these places.
    """
    if kind == "channels_last":
        return places.permute(0, 2, 3, 1)
    channels_first = places.flatten(2)  # (B, C, T)
    if order is not None:
        channels_first = channels_first[:, :, _inverse(order)]
    if kind == "channels_first_tokens":
        return torch.cat([output[:, :, :prefix], channels_first], 2)
    return torch.cat([output[:, :prefix], channels_first.transpose(1, 2)], 1)


def find_layout(places: Places) -> Layout | None:
    """Return the layout of a tensor for a batch of one; None if its axes are not proved."""
    codes = places.codes
    if codes.ndim == 2:
        return Layout("vector")
    if codes.ndim == 4:
        return _of_map(places)
    if codes.ndim == 3 and places.grid is not None:
        return _of_tokens(places, channel=2) or _of_tokens(places, channel=1)
    return None


def _inverse(order: tuple[int, ...]) -> list[int]:
    return sorted(range(len(order)), key=order.__getitem__)


def _of_map(places: Places) -> Layout | None:
    if places.grid is None:
        return Layout("map") if places.shape[2:] == (1, 1) else None
    if _is_row_by_row(places.codes.movedim(1, -1), places):
        return Layout("map")
    return Layout("channels_last") if _is_row_by_row(places.codes, places) else None


def _is_row_by_row(codes: Tensor, places: Places) -> bool:
    """Return whether codes (1, H, W, C) are the cells of the grid, alike for all channels."""
    grid = places.grid
    if grid is None or tuple(codes.shape[1:3]) != grid.size:
        return False
    cells = torch.arange(grid.size[0] * grid.size[1], device=codes.device)
    return bool((distinct(codes)[0] == cells.view(*grid.size, 1)).all())


def _of_tokens(places: Places, channel: int) -> Layout | None:
    codes = places.codes[0] if channel == 2 else places.codes[0].T  # (T, C)
    grid = places.grid
    assert grid is not None
    first = codes[:, :1]
    if not bool((codes == first).all()):
        return None
    cells = first.flatten()
    prefix = int((cells == WHOLE).cumprod(0).sum())
    cells = cells[prefix:]
    every = torch.arange(grid.size[0] * grid.size[1], device=cells.device)
    if len(cells) != len(every) or not bool((cells.sort().values == every).all()):
        return None
    order = None if bool((cells[1:] > cells[:-1]).all()) else tuple(cells.argsort().tolist())
    return Layout("tokens" if channel == 2 else "channels_first_tokens", prefix, grid.size, order)
