"""The colours of the maps of a layer's channels: of each map alone, or of all together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.toolkit.rendering.color_bar_text import exponent_of, power, tick_texts
from workers.toolkit.rendering.color_limits import color_limits, to_levels
from workers.toolkit.rendering.colormap import LEVELS, color_table

Floats = NDArray[np.float32]
Limits = tuple[float, float]

# What does not reach this part of the largest magnitude of all maps is only rounding error.
_LEAST = 1e-4


@dataclass(frozen=True)
class ChannelColors:
    """The colours of the maps of several channels.

    `limits` are the values of the ends of the colours of all maps; None if each has its own. With
    `signed` zero is in the middle of the colours, otherwise at their beginning. The own limits of a
    map are at least `least` away from zero, so that rounding errors have no contrast.
    """

    signed: bool
    limits: Limits | None
    least: float

    def colors(self, values: Floats) -> NDArray[np.uint8]:
        """Return the colours (H, W, 3) of a map (H, W)."""
        low, high = self.limits or self._own_limits(values)
        levels = to_levels(values, low, high).round().astype(np.uint8)
        found: NDArray[np.uint8] = color_table(self._colormap)[levels]
        return found

    def bar(self, width: int, height: int) -> NDArray[np.uint8]:
        """Return a bar (height, width, 3) of all colours, from left to right."""
        levels = np.linspace(0, LEVELS - 1, width).round().astype(np.uint8)
        found: NDArray[np.uint8] = color_table(self._colormap)[levels][None].repeat(height, 0)
        return found

    def ends(self) -> tuple[str, str]:
        """Return what the first and the last colour mean, in words."""
        if self.limits:
            exponent = exponent_of(*self.limits)
            low, high = tick_texts(self.limits, exponent)
            factor = power(exponent).removeprefix(",")
            return (low if low == "0" else low + factor), high + factor
        if self.signed:
            return "−m", "m, the largest magnitude of the channel"
        return "0", "largest value of the channel"

    @property
    def _colormap(self) -> str:
        return "RdBu_r" if self.signed else "inferno"

    def _own_limits(self, values: Floats) -> Limits:
        low, high = color_limits(values, "signed" if self.signed else "magnitude")
        largest = float(np.abs(values).max()) or 0.0
        if largest >= self.least:
            return low, high
        return (-self.least if self.signed else 0.0), self.least


def channel_colors(maps: Floats, *, shared: bool) -> ChannelColors:
    """Return the colours of maps (N, H, W): one scale for all, or one for each."""
    signed = bool((maps < 0).any())
    limits = color_limits(maps, "signed" if signed else "magnitude") if shared else None
    return ChannelColors(signed, limits, _LEAST * float(np.abs(maps).max()))
