"""The files of a map: its colours, the colours over the photograph, and the raw values."""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from torch import Tensor

from workers.toolkit.execution.context import Context, save_npy, save_png
from workers.toolkit.images.preprocessing import ModelInput
from workers.toolkit.rendering.color_limits import Scale, color_limits, to_levels
from workers.toolkit.rendering.placed_map import PlacedMap, place


@dataclass(frozen=True)
class MapStyle:
    """How a map is drawn.

    Without `limits` the colours fit the map, except that `tail` percent of the largest values are
    shown as if equal. `side` is the largest side of the pictures in pixels.
    """

    scale: Scale
    colormap: str
    limits: tuple[float, float] | None = None
    tail: float = 0.0
    side: int = 2048


@dataclass(frozen=True)
class Heatmap:
    """The range of a map's values, the values of the ends of its colours, and its pictures."""

    photograph: Image.Image
    minimum: float
    maximum: float
    low: float
    high: float
    placed: PlacedMap


def save_heatmap(
    context: Context, model_input: ModelInput, values: Tensor, style: MapStyle
) -> Heatmap:
    """Save heatmap.png, overlay.png and values.npy of a map (H, W)."""
    raw = values.detach().cpu().numpy().astype(np.float32)
    low, high = style.limits or color_limits(raw, style.scale, style.tail)
    levels, signed = to_levels(raw, low, high), style.scale == "signed"
    placed = place(model_input, levels, style.colormap, signed=signed, side=style.side)
    save_png(context, "heatmap.png", placed.heatmap)
    save_png(context, "overlay.png", placed.overlay)
    save_npy(context, "values.npy", raw)
    minimum, maximum = float(raw.min()), float(raw.max())
    return Heatmap(model_input.image, minimum, maximum, low, high, placed)
