"""A map of values as pictures of the photograph's size: in colours, and as an overlay."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from workers.toolkit.execution.context import Context, save_npy, save_png
from workers.toolkit.images.preprocessing import ModelInput
from workers.toolkit.images.types import Box

Floats = NDArray[np.float32]

# ColorBrewer's RdYlBu, blue first: readable with every colour vision, and neither end is dark.
_ANCHORS = np.array(
    [
        (49, 54, 149), (69, 117, 180), (116, 173, 209), (171, 217, 233), (224, 243, 248),
        (255, 255, 191),
        (254, 224, 144), (253, 174, 97), (244, 109, 67), (215, 48, 39), (165, 0, 38),
    ],
    dtype=np.float32,
)  # fmt: skip
_MAX_PIXELS = 16_000_000
# The approximate side of the smallest gradient picture, as of a drawn filter.
_SMALLEST = 64
# How far the lowest and the highest value cover the photograph in the overlay.
_FAINT, _STRONG = 0.35, 0.85
# Pixels by which a map is extended before it is resampled.
_EDGE = 2


@dataclass(frozen=True)
class HeatmapRange:
    """The range of a map's values, and the values that are shown as full blue and full red."""

    minimum: float
    maximum: float
    color_range: list[float]


def save_heatmap(
    context: Context,
    model_input: ModelInput,
    values: Tensor,
    *,
    tail: float = 0.0,
    signed: bool = False,
) -> HeatmapRange:
    """Save heatmap.png, overlay.png and values.npy of a map (H, W).

    The colours run from the lowest value to the highest. With `tail`, that percentage of the
    highest values is shown as if equal, so that a few do not hide the rest. A signed map is shown
    around zero, which is yellow.
    """
    raw = values.detach().cpu().numpy().astype(np.float32)
    low, high = _color_range(raw, tail, signed)
    placed = _place(model_input, unit_interval(raw, low, high, signed))
    save_png(context, "heatmap.png", placed.heatmap())
    save_png(context, "overlay.png", placed.overlay(signed))
    save_npy(context, "values.npy", raw)
    return HeatmapRange(float(raw.min()), float(raw.max()), [low, high])


def gradient_picture(gradient: Tensor) -> Image.Image:
    """Draw a gradient (3 or 1, H, W): zero is mid-grey, and the largest magnitudes are full.

    Small pictures are enlarged without smoothing.
    """
    values = gradient.detach().cpu().numpy().transpose(1, 2, 0)
    if values.shape[2] == 1:
        values = values.repeat(3, axis=2)
    limit = float(np.percentile(np.abs(values), 99.8)) or 1.0
    levels = ((values / limit).clip(-1, 1) * 127.5 + 127.5).round().astype(np.uint8)
    picture = Image.fromarray(levels, "RGB")
    factor = max(1, _SMALLEST // min(picture.size))
    size = picture.width * factor, picture.height * factor
    return picture.resize(size, Image.Resampling.NEAREST)


def unit_interval(values: Floats, low: float, high: float, signed: bool = False) -> Floats:
    """Scale values between low and high to 0..1.

    If low and high are equal, the result is 0.5, but 0 for zeros of a map without a sign.
    """
    if high <= low:
        return np.full_like(values, 0.5 if low or signed else 0)
    return ((values - low) / (high - low)).clip(0, 1).astype(np.float32)


def colors(level: Floats) -> NDArray[np.uint8]:
    """Convert 0..1 (H, W) to colours (H, W, 3), blue to red."""
    table = _color_table()
    found: NDArray[np.uint8] = table[(level * (len(table) - 1)).round().astype(np.uint16)]
    return found


def _color_range(raw: Floats, tail: float, signed: bool) -> tuple[float, float]:
    if signed:
        limit = float(np.percentile(np.abs(raw), 100 - tail)) or float(np.abs(raw).max())
        return -limit, limit
    low, high = float(raw.min()), float(np.percentile(raw, 100 - tail))
    # A spot that is smaller than the tail is still shown.
    return low, high if high > low else float(raw.max())


@lru_cache(maxsize=1)
def _color_table() -> NDArray[np.uint8]:
    """Return 256 steps from each anchor to the next, finer than 8 bits can show."""
    anchors = np.arange(len(_ANCHORS))
    steps = np.linspace(0, len(_ANCHORS) - 1, 256 * (len(_ANCHORS) - 1) + 1)
    channels = [np.interp(steps, anchors, channel) for channel in _ANCHORS.T]
    return np.stack(channels, axis=1).round().astype(np.uint8)


class _PlacedMap:
    """A map in 0..1 at the photograph's size, and the part of the photograph that it shows."""

    def __init__(self, photograph: Image.Image, level: Floats, visible: NDArray[np.bool_]) -> None:
        self._photograph = np.asarray(photograph)  # (H, W, 3)
        self._level = level  # (H, W)
        self._visible = visible  # (H, W)
        self._colors = colors(level)  # (H, W, 3)

    def heatmap(self) -> Image.Image:
        """Return the colours; what the network does not see is transparent."""
        alpha = np.where(self._visible, 255, 0).astype(np.uint8)[..., None]
        return Image.fromarray(np.concatenate([self._colors, alpha], axis=2), "RGBA")

    def overlay(self, signed: bool) -> Image.Image:
        """Return the colours over the photograph; what the network does not see is grey."""
        cover = self._cover(signed)[..., None]
        inside = self._photograph * (1 - cover) + self._colors * cover
        gray = self._photograph.mean(axis=2, keepdims=True) * 0.4 + 0.3 * 255
        outside = np.broadcast_to(gray, inside.shape)
        picture = np.where(self._visible[..., None], inside, outside)
        return Image.fromarray(picture.round().astype(np.uint8), "RGB")

    def _cover(self, signed: bool) -> NDArray[np.floating]:
        if signed:
            return _STRONG * np.abs(2 * self._level - 1)
        return _FAINT + (_STRONG - _FAINT) * self._level


def _place(model_input: ModelInput, level: Floats) -> _PlacedMap:
    """Stretch the map over the box of the photograph that the network saw."""
    photograph, box = _bounded(model_input)
    left, top, right, bottom = box
    width, height = photograph.size
    source = Image.fromarray(level, "F")
    sx, sy = source.width / (right - left), source.height / (bottom - top)
    # Output pixel (x, y) reads the map at ((x − left)·sx, (y − top)·sy). Pillow adds the half
    # pixels itself.
    matrix = (sx, 0, -left * sx, 0, sy, -top * sy)
    stretched = np.asarray(_transform(source, (width, height), matrix)).clip(0, 1)
    ys, xs = np.mgrid[0:height, 0:width]
    in_columns = (xs + 0.5 >= left) & (xs + 0.5 <= right)
    in_rows = (ys + 0.5 >= top) & (ys + 0.5 <= bottom)
    return _PlacedMap(photograph, stretched, in_columns & in_rows)


def _transform(
    source: Image.Image, size: tuple[int, int], matrix: tuple[float, ...]
) -> Image.Image:
    """Resample bilinearly by an affine transform.

    The border is repeated, so that pixels at the edge do not fade to zero.
    """
    framed = Image.fromarray(np.pad(np.asarray(source), _EDGE, mode="edge"), "F")
    a, b, c, d, e, f = matrix
    shifted = (a, b, c + _EDGE, d, e, f + _EDGE)
    return framed.transform(size, Image.Transform.AFFINE, shifted, Image.Resampling.BILINEAR)


def _bounded(model_input: ModelInput) -> tuple[Image.Image, Box]:
    """Return the photograph and the box that the network saw.

    Both are scaled down if a picture of that size would be too large to send.
    """
    image = model_input.image
    scale = min(1.0, (_MAX_PIXELS / (image.width * image.height)) ** 0.5)
    if scale == 1.0:
        return image, model_input.box
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    sx, sy = size[0] / image.width, size[1] / image.height
    left, top, right, bottom = model_input.box
    return image.resize(size), (left * sx, top * sy, right * sx, bottom * sy)
