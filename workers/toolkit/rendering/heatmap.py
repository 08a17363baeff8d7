"""A map of values as pictures that lie on the photograph: colours, overlay, raw values."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from workers.toolkit.execution.context import Context, save_npy, save_png
from workers.toolkit.execution.unlocked_cached_property import unlocked_cached_property
from workers.toolkit.images.preprocessing import ModelInput

Values = NDArray[np.float32]

# ColorBrewer's RdYlBu, blue first: readable with every colour vision, and neither end is dark.
_ANCHORS = np.array(
    [
        (49, 54, 149), (69, 117, 180), (116, 173, 209), (171, 217, 233), (224, 243, 248), (255, 255, 191),
        (254, 224, 144), (253, 174, 97), (244, 109, 67), (215, 48, 39), (165, 0, 38),
    ],
    dtype=np.float32,
)  # fmt: skip
_MAX_PIXELS = 16_000_000
_SMALLEST = 64  # about the side of the smallest gradient picture, as of a drawn filter
_FAINT, _STRONG = 0.35, 0.85  # how far the lowest and the highest value cover the photograph


def save_heatmap(
    context: Context,
    model_input: ModelInput,
    values: Tensor,
    *,
    tail: float = 0.0,
    signed: bool = False,
) -> dict[str, Any]:
    """Save heatmap.png, overlay.png and values.npy of a map (H, W); returns what the summary says of it.

    The colours run from the lowest value to the highest; with `tail` that percentage of the highest values is
    shown as if equal, so that a few do not hide the rest. A signed map is shown around zero, which is yellow.
    """
    raw = values.detach().cpu().numpy().astype(np.float32)
    low, high = _color_range(raw, tail, signed)
    level = _on_photograph(model_input, unit_interval(raw, low, high, signed), signed)
    save_png(context, "heatmap.png", level.heatmap())
    save_png(context, "overlay.png", level.overlay())
    save_npy(context, "values.npy", raw)
    return {"minimum": float(raw.min()), "maximum": float(raw.max()), "color_range": [low, high]}


def _color_range(raw: Values, tail: float, signed: bool) -> tuple[float, float]:
    if signed:
        reach = float(np.percentile(np.abs(raw), 100 - tail)) or float(np.abs(raw).max())
        return -reach, reach
    low, high = float(raw.min()), float(np.percentile(raw, 100 - tail))
    return low, high if high > low else float(
        raw.max()
    )  # a spot smaller than the tail is still shown


def unit_interval(values: Values, low: float, high: float, signed: bool = False) -> Values:
    """Values between low and high → 0..1. Where these are the same: 0.5, but 0 for zeros without a sign."""
    if high <= low:
        return np.full_like(values, 0.5 if low or signed else 0)
    return ((values - low) / (high - low)).clip(0, 1).astype(np.float32)


def colors(level: Values) -> NDArray[np.uint8]:
    """0..1 (H, W) → (H, W, 3), blue to red."""
    table = _color_table()
    found: NDArray[np.uint8] = table[(level * (len(table) - 1)).round().astype(np.uint16)]
    return found


@lru_cache(maxsize=1)
def _color_table() -> NDArray[np.uint8]:
    """256 steps from each anchor to the next: finer than 8 bits can show."""
    places = np.arange(len(_ANCHORS))
    steps = np.linspace(0, len(_ANCHORS) - 1, 256 * (len(_ANCHORS) - 1) + 1)
    return (
        np.stack([np.interp(steps, places, channel) for channel in _ANCHORS.T], axis=1)
        .round()
        .astype(np.uint8)
    )


class _Placed:
    """Levels at the photograph's size, and where they count."""

    def __init__(
        self, photograph: Image.Image, level: Values, seen: NDArray[np.bool_], signed: bool
    ) -> None:
        self._photograph = np.asarray(photograph)  # (H, W, 3)
        self._level = level  # (H, W)
        self._seen = seen  # (H, W)
        self._cover = (
            _STRONG * np.abs(2 * level - 1) if signed else _FAINT + (_STRONG - _FAINT) * level
        )

    @unlocked_cached_property
    def _colors(self) -> NDArray[np.uint8]:
        return colors(self._level)

    def heatmap(self) -> Image.Image:
        alpha = np.where(self._seen, 255, 0).astype(np.uint8)[..., None]
        return Image.fromarray(np.concatenate([self._colors, alpha], axis=2), "RGBA")

    def overlay(self) -> Image.Image:
        cover = self._cover[..., None]
        inside = self._photograph * (1 - cover) + self._colors * cover
        gray = self._photograph.mean(axis=2, keepdims=True) * 0.4 + 0.3 * 255
        picture = np.where(self._seen[..., None], inside, np.broadcast_to(gray, inside.shape))
        return Image.fromarray(picture.round().astype(np.uint8), "RGB")


def _on_photograph(model_input: ModelInput, level: Values, signed: bool) -> _Placed:
    """Stretch the map over the box of the photograph that the network saw."""
    photograph, box = _bounded(model_input)
    left, top, right, bottom = box
    width, height = photograph.size
    source = Image.fromarray(level, "F")
    sx, sy = source.width / (right - left), source.height / (bottom - top)
    # Output pixel (x, y) reads the map at ((x − left)·sx, (y − top)·sy); Pillow adds the half pixels itself.
    matrix = (sx, 0, -left * sx, 0, sy, -top * sy)
    padded = _transform(source, (width, height), matrix)
    ys, xs = np.mgrid[0:height, 0:width]
    seen = (xs + 0.5 >= left) & (xs + 0.5 <= right) & (ys + 0.5 >= top) & (ys + 0.5 <= bottom)
    return _Placed(photograph, np.asarray(padded).clip(0, 1), seen, signed)


def _transform(
    source: Image.Image, size: tuple[int, int], matrix: tuple[float, ...]
) -> Image.Image:
    """Affine bilinear resampling with the border repeated, so that edge pixels do not fade to zero."""
    edge = 2
    framed = Image.fromarray(np.pad(np.asarray(source), edge, mode="edge"), "F")
    a, b, c, d, e, f = matrix
    return framed.transform(
        size, Image.Transform.AFFINE, (a, b, c + edge, d, e, f + edge), Image.Resampling.BILINEAR
    )


def _bounded(model_input: ModelInput) -> tuple[Image.Image, tuple[float, float, float, float]]:
    """The photograph and the box, both scaled down where a picture of that size would be too large to send."""
    image = model_input.image
    scale = min(1.0, (_MAX_PIXELS / (image.width * image.height)) ** 0.5)
    if scale == 1.0:
        return image, model_input.box
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    sx, sy = size[0] / image.width, size[1] / image.height
    left, top, right, bottom = model_input.box
    return image.resize(size), (left * sx, top * sy, right * sx, bottom * sy)


def gradient_picture(gradient: Tensor) -> Image.Image:
    """(3 or 1, H, W) → a picture; zero is mid-grey, the largest magnitudes are full. Small ones are enlarged, crisp."""
    values = gradient.detach().cpu().numpy().transpose(1, 2, 0)
    if values.shape[2] == 1:
        values = values.repeat(3, axis=2)
    reach = float(np.percentile(np.abs(values), 99.8)) or 1.0
    picture = Image.fromarray(
        ((values / reach).clip(-1, 1) * 127.5 + 127.5).round().astype(np.uint8), "RGB"
    )
    factor = max(1, _SMALLEST // min(picture.size))
    return picture.resize(
        (picture.width * factor, picture.height * factor), Image.Resampling.NEAREST
    )
