"""Maps of channels as tiles in rows, each with its text below, and a legend above all."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional as F

from workers.toolkit.rendering.channel_colors import ChannelColors
from workers.toolkit.rendering.text import line_height, text_size, wrapped, write

Floats = NDArray[np.float32]
TileBox = tuple[int, int, int, int]
# The number of the channel, and its response.
Label = tuple[str, str]

_GAP, _PAPER, _INK, _PALE = 10, (250, 250, 250), (30, 30, 30), (90, 90, 90)
_NUMBER_SIZE, _VALUE_SIZE, _CAPTION_SIZE = 14, 11, 14
_LEAST_WIDTH, _BAR = 480, (160, 12)


@dataclass(frozen=True)
class ChannelSheet:
    """The picture, and [left, top, right, bottom] of each tile in it."""

    picture: Image.Image
    tiles: list[TileBox]


@dataclass(frozen=True)
class _Grid:
    """Where tiles are: the corner of the first one, the step to the next, and tiles in a row."""

    top: int
    step: tuple[int, int]
    columns: int

    def corner(self, number: int) -> tuple[int, int]:
        row, column = divmod(number, self.columns)
        return _GAP + column * self.step[0], self.top + row * self.step[1]


def channel_sheet(
    maps: Floats, labels: Sequence[Label], caption: str, colors: ChannelColors, side: int
) -> ChannelSheet:
    """Draw maps (N, H, W) as tiles in rows, the longer side of each `side` pixels.

    A tile that is too narrow for the responses has the number of its channel only.
    """
    tiles = [draw_tile(values, colors, side) for values in maps]
    wide = max([tiles[0].width, *(text_size(number, _NUMBER_SIZE)[0] for number, _ in labels)])
    if any(text_size(response, _VALUE_SIZE)[0] > wide for _, response in labels):
        labels = [(number, "") for number, _ in labels]
    step = wide + _GAP, tiles[0].height + _label_height(labels) + _GAP
    columns = max(1, min(len(tiles), round(sqrt(len(tiles) * 1.4 * step[1] / step[0]))))
    width = max(_LEAST_WIDTH, columns * step[0] + _GAP)
    heading = "\n".join(wrapped(caption, _CAPTION_SIZE, width - 2 * _GAP))
    legend_top = _GAP + text_size(heading, _CAPTION_SIZE)[1]
    grid = _Grid(legend_top + line_height(_VALUE_SIZE) + 2 * _GAP, step, columns)
    sheet = Image.new("RGB", (width, grid.top + ceil(len(tiles) / columns) * step[1]), _PAPER)
    write(sheet, _GAP, _GAP // 2, heading, _CAPTION_SIZE, _INK)
    _draw_legend(sheet, legend_top, colors)
    boxes = []
    for number, (tile, label) in enumerate(zip(tiles, labels, strict=True)):
        x, y = grid.corner(number)
        sheet.paste(tile, (x, y))
        _write_label(sheet, x, y + tile.height, label)
        boxes.append((x, y, x + tile.width, y + tile.height))
    return ChannelSheet(sheet, boxes)


def draw_tile(values: Floats, colors: ChannelColors, side: int) -> Image.Image:
    """Draw a map (H, W) with a longer side of `side` pixels.

    Places are squares with sharp edges; where a pixel holds several places, it is their mean.
    """
    height, width = values.shape
    factor = side / max(height, width)
    size = max(1, round(height * factor)), max(1, round(width * factor))
    mode = "nearest-exact" if factor >= 1 else "area"
    resized = F.interpolate(torch.from_numpy(values)[None, None], size, mode=mode)[0, 0]
    return Image.fromarray(colors.colors(resized.numpy()), "RGB")


def _label_height(labels: Sequence[Label]) -> int:
    return line_height(_NUMBER_SIZE) + (line_height(_VALUE_SIZE) if labels[0][1] else 0)


def _write_label(sheet: Image.Image, x: int, y: int, label: Label) -> None:
    number, response = label
    write(sheet, x, y + 2, number, _NUMBER_SIZE, _INK)
    if response:
        write(sheet, x, y + line_height(_NUMBER_SIZE), response, _VALUE_SIZE, _PALE)


def _draw_legend(sheet: Image.Image, y: int, colors: ChannelColors) -> None:
    """Draw the bar of colours between the words for its ends."""
    low, high = colors.ends()
    start = _GAP + text_size(low, _VALUE_SIZE)[0] + 6
    write(sheet, _GAP, y, low, _VALUE_SIZE, _INK)
    sheet.paste(Image.fromarray(colors.bar(*_BAR), "RGB"), (start, y + 1))
    write(sheet, start + _BAR[0] + 6, y, high, _VALUE_SIZE, _INK)
