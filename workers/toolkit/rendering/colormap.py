"""The colours of a map, from matplotlib's tables, for 8-bit levels."""

from functools import lru_cache

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray

# Levels 0 to 254 are values, so that the middle one is zero where the colours are diverging. Level
# 255 is where nothing was measured: a grey that no colormap of the catalog comes near.
LEVELS = 255
OUTSIDE = 255
OUTSIDE_COLOR = (150, 150, 150)


@lru_cache
def color_table(name: str) -> NDArray[np.uint8]:
    """Return the colours (256, 3) of matplotlib's colormap for each level."""
    shades = colormaps[name](np.linspace(0, 1, LEVELS), bytes=True)[:, :3]
    table = np.vstack([shades, [OUTSIDE_COLOR]]).astype(np.uint8)
    table.setflags(write=False)
    return table
