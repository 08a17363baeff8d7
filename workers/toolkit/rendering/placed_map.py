"""A map of levels where it lies in the photograph: alone in colours, and as an overlay."""

from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workers.toolkit.images.preprocessing import ModelInput
from workers.toolkit.images.types import Box
from workers.toolkit.rendering.color_limits import Floats
from workers.toolkit.rendering.colormap import LEVELS, OUTSIDE, color_table

# How far the colours cover the photograph where the map is zero or lowest, and where it is largest.
_FAINT, _STRONG = 0.25, 0.85


@dataclass(frozen=True)
class PlacedMap:
    """The levels of each pixel of a photograph in grey, and how they are coloured.

    A level is 0 … 254, or OUTSIDE. With `signed`, level 127 is zero.
    """

    grey: Image.Image
    levels: NDArray[np.uint8]  # (H, W)
    colormap: str
    signed: bool

    @cached_property
    def heatmap(self) -> Image.Image:
        """The colours, as a picture with a palette."""
        picture = Image.fromarray(self.levels)
        picture.putpalette(color_table(self.colormap).tobytes())
        return picture

    @cached_property
    def overlay(self) -> Image.Image:
        """The colours over the photograph in grey, so that no hue but theirs is seen."""
        cover = Image.fromarray(self.levels).point(_cover_table(self.signed))
        return Image.composite(self.heatmap.convert("RGB"), self.grey.convert("RGB"), cover)


def place(
    model_input: ModelInput, levels: Floats, colormap: str, *, signed: bool, side: int
) -> PlacedMap:
    """Stretch levels (h, w), not yet rounded, over the box of the photograph that they show.

    The photograph is reduced to at most `side` pixels a side.
    """
    image = model_input.image
    grey = reduced(image.convert("L"), side)
    sx, sy = grey.width / image.width, grey.height / image.height
    left, top, right, bottom = model_input.box
    box = (left * sx, top * sy, right * sx, bottom * sy)
    return PlacedMap(grey, _stretched(levels, box, grey.size), colormap, signed)


def reduced(picture: Image.Image, side: int) -> Image.Image:
    """Return the picture with at most that many pixels a side."""
    scale = side / max(picture.size)
    if scale >= 1:
        return picture
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return picture.resize(size, Image.Resampling.BILINEAR)


def _stretched(levels: Floats, box: Box, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the levels (H, W) of a picture of that size; pixels outside of the box are OUTSIDE."""
    left, top, right, bottom = box
    columns, rows = _inside(left, right, size[0]), _inside(top, bottom, size[1])
    placed = np.full((size[1], size[0]), OUTSIDE, np.uint8)
    if not (columns and rows):
        return placed
    across = _part(columns, left, right, levels.shape[1])
    down = _part(rows, top, bottom, levels.shape[0])
    # The border is repeated, so that the part of the map may begin outside of it.
    edge = _edge(across, levels.shape[1]), _edge(down, levels.shape[0])
    source = Image.fromarray(np.pad(levels, ((edge[1],) * 2, (edge[0],) * 2), mode="edge"))
    part = (across[0] + edge[0], down[0] + edge[1], across[1] + edge[0], down[1] + edge[1])
    seen = source.resize((len(columns), len(rows)), Image.Resampling.BILINEAR, box=part)
    rounded = (np.asarray(seen).clip(0, LEVELS - 1) + 0.5).astype(np.uint8)
    placed[rows.start : rows.stop, columns.start : columns.stop] = rounded
    return placed


def _inside(low: float, high: float, size: int) -> range:
    """Return the pixels whose centres lie between two edges."""
    return range(max(0, ceil(low - 0.5)), min(size, floor(high - 0.5) + 1))


def _part(pixels: range, low: float, high: float, size: int) -> tuple[float, float]:
    """Return the edges of some pixels in pixels of the map, which has `size` from low to high."""
    scale = size / (high - low)
    return (pixels.start - low) * scale, (pixels.stop - low) * scale


def _edge(part: tuple[float, float], size: int) -> int:
    """Return how many pixels a map must be extended by to contain the part."""
    return max(0, ceil(-part[0]), ceil(part[1] - size))


def _cover_table(signed: bool) -> list[int]:
    """Return how far the colours cover the photograph, 0 … 255, for each level."""
    unit = np.linspace(0, 1, LEVELS)
    strength = np.abs(2 * unit - 1) if signed else unit
    cover = (_FAINT + (_STRONG - _FAINT) * strength) * 255
    return [*cover.round().astype(int).tolist(), 0]
