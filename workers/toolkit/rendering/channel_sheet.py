"""Maps of channels as tiles in rows, each with its text below, and a legend above all."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional as F

from workers.toolkit.rendering.heatmap import colors, unit_interval
from workers.toolkit.rendering.text import line_height, text_size, write

Floats = NDArray[np.float32]
TileBox = tuple[int, int, int, int]

_GAP, _PAPER, _INK, _PALE = 10, (250, 250, 250), (30, 30, 30), (95, 95, 95)
_NUMBER_SIZE, _VALUE_SIZE, _CAPTION_SIZE = 15, 12, 15
_LEAST_WIDTH, _BAR = 480, (160, 12)
# Relative to the largest magnitude of all tiles.
_LEAST_SPAN = 1e-4


@dataclass(frozen=True)
class ColorScale:
    """The values of the first and the last colour: of all tiles, or of each tile if it is None.

    With `signed`, 0 is in the middle of the colours. A tile's own values span at least `least`, so
    that what is only rounding error has no contrast.
    """

    range: tuple[float, float] | None
    signed: bool
    least: float = 0.0

    def colors(self, values: Floats) -> NDArray[np.uint8]:
        """Return the colours (H, W, 3) of a map (H, W)."""
        low, high = self.range or _color_range(values, self.signed, self.least)
        return colors(unit_interval(values, low, high, self.signed))

    def ends(self) -> tuple[str, str]:
        """Return the first and the last colour in words."""
        if self.range:
            return f"{self.range[0]:.3g}", f"{self.range[1]:.3g}"
        if self.signed:
            return "-m", "m: the largest magnitude of the channel"
        return "the lowest value of the channel", "its highest value"


def shared_scale(values: Floats, signed: bool) -> ColorScale:
    """Return one scale for all of these values."""
    return ColorScale(_color_range(values, signed), signed)


def own_scales(values: Floats, signed: bool) -> ColorScale:
    """Return a scale for each map of these values alone."""
    return ColorScale(None, signed, _LEAST_SPAN * float(np.abs(values).max()))


@dataclass(frozen=True)
class ChannelSheet:
    """The picture, and [left, top, right, bottom] of each tile in it."""

    picture: Image.Image
    tiles: list[TileBox]


def channel_sheet(
    maps: Floats,
    labels: Sequence[tuple[str, str]],
    caption: str,
    scale: ColorScale,
    side: int,
) -> ChannelSheet:
    """Draw maps (N, H, W) as tiles in rows, the longer side of each `side` pixels.

    A label is the number of the channel and its response; a narrow tile has the number only.
    """
    tiles = [draw_tile(values, scale, side) for values in maps]
    wide = max(tiles[0].width, *(text_size(number, _NUMBER_SIZE)[0] for number, _ in labels))
    with_values = all(text_size(value, _VALUE_SIZE)[0] <= wide for _, value in labels)
    lines = line_height(_NUMBER_SIZE) + (line_height(_VALUE_SIZE) if with_values else 0)
    step = wide + _GAP, tiles[0].height + lines + _GAP
    columns = max(1, min(len(tiles), round(sqrt(len(tiles) * 1.4 * step[1] / step[0]))))
    width = max(_LEAST_WIDTH, columns * step[0] + _GAP)
    heading = _wrapped(caption, width - 2 * _GAP)
    top = _GAP + text_size(heading, _CAPTION_SIZE)[1] + _BAR[1] + line_height(_VALUE_SIZE) + _GAP
    sheet = Image.new("RGB", (width, top + ceil(len(tiles) / columns) * step[1]), _PAPER)
    write(sheet, _GAP, _GAP // 2, heading, _CAPTION_SIZE, _INK)
    _write_legend(sheet, top - _BAR[1] - line_height(_VALUE_SIZE), scale)
    boxes = []
    for number, (tile, label) in enumerate(zip(tiles, labels, strict=True)):
        x, y = _GAP + number % columns * step[0], top + number // columns * step[1]
        sheet.paste(tile, (x, y))
        write(sheet, x, y + tile.height + 2, label[0], _NUMBER_SIZE, _INK)
        if with_values:
            below = y + tile.height + line_height(_NUMBER_SIZE)
            write(sheet, x, below, label[1], _VALUE_SIZE, _PALE)
        boxes.append((x, y, x + tile.width, y + tile.height))
    return ChannelSheet(sheet, boxes)


def draw_tile(values: Floats, scale: ColorScale, side: int) -> Image.Image:
    """Draw a map (H, W) with a longer side of `side` pixels.

    Places are squares with sharp edges; where a pixel holds several places, it is their mean.
    """
    height, width = values.shape
    factor = side / max(height, width)
    size = max(1, round(height * factor)), max(1, round(width * factor))
    mode = "nearest-exact" if factor >= 1 else "area"
    resized = F.interpolate(torch.from_numpy(values)[None, None], size, mode=mode)[0, 0]
    return Image.fromarray(scale.colors(resized.numpy()), "RGB")


def _write_legend(sheet: Image.Image, y: int, scale: ColorScale) -> None:
    """Draw the bar of colours with the names of its ends."""
    bar = colors(np.linspace(0, 1, _BAR[0], dtype=np.float32)[None].repeat(_BAR[1], 0))
    low, high = scale.ends()
    start = _GAP + text_size(low, _VALUE_SIZE)[0] + 6
    write(sheet, _GAP, y, low, _VALUE_SIZE, _INK)
    sheet.paste(Image.fromarray(bar, "RGB"), (start, y + 2))
    write(sheet, start + _BAR[0] + 6, y, high, _VALUE_SIZE, _INK)


def _wrapped(text: str, width: int) -> str:
    """Return the text with line breaks, so that it is at most that wide."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if text_size(longer, _CAPTION_SIZE)[0] > width and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    return "\n".join(lines)


def _color_range(values: Floats, signed: bool, least: float = 0.0) -> tuple[float, float]:
    if signed:
        limit = max(float(np.abs(values).max()), least)
        return -limit, limit
    low = float(values.min())
    return low, max(float(values.max()), low + least)
