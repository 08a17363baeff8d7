"""The values of the two ends of a map's colours, and the levels of its values between them."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workers.toolkit.rendering.colormap import LEVELS

Floats = NDArray[np.float32]
Scale = Literal["magnitude", "signed", "level"]
"""What zero means: the least value; no effect, between two signs; nothing in particular."""


def color_limits(values: Floats, scale: Scale, tail: float = 0.0) -> tuple[float, float]:
    """Return limits, low < high, that show all of a map but a tail of its largest values.

    `tail` is a percentage: those values are shown as if equal, so that a few do not hide the rest.
    A spot that is smaller than the tail is still shown. The limits of a magnitude begin at zero,
    those of a signed map are the same on either side of zero, and a level begins at its lowest
    value.
    """
    if scale == "level":
        return _separate(float(values.min()), float(np.percentile(values, 100 - tail)), values)
    magnitudes = np.abs(values)
    high = float(np.percentile(magnitudes, 100 - tail)) or float(magnitudes.max()) or 1.0
    return (-high if scale == "signed" else 0.0), high


def to_levels(values: Floats, low: float, high: float) -> Floats:
    """Convert values to 0 … 254, which are not yet rounded; what lies beyond is cut."""
    unit = (values.astype(np.float64) - low) / (high - low)
    return (unit.clip(0, 1) * (LEVELS - 1)).astype(np.float32)


def _separate(low: float, high: float, values: Floats) -> tuple[float, float]:
    """Return limits that differ: those of a constant map lie on either side of its value."""
    high = high if high > low else float(values.max())
    if high > low:
        return low, high
    half = abs(low) or 1.0
    return low - half, low + half
