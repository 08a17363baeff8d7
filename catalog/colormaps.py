"""Names of the colours of maps, as matplotlib has them, and what each is for.

Colours without any hue (`gray`, `RdGy`) are left out: what a map does not cover is grey.
"""

from typing import Literal, get_args

# The first five are perceptually uniform. `turbo` and `jet` are not: they are here to compare with
# pictures of others.
Sequential = Literal[
    "viridis", "cividis", "magma", "inferno", "plasma",
    "hot", "YlOrRd", "YlGnBu", "Reds", "Blues", "Greens", "Oranges", "turbo", "jet",
]  # fmt: skip
Diverging = Literal[
    "RdBu", "RdYlBu", "coolwarm", "bwr", "seismic", "PuOr", "PiYG", "PRGn", "BrBG",
]  # fmt: skip
Reversed = Literal[
    "viridis_r", "cividis_r", "magma_r", "inferno_r", "plasma_r",
    "hot_r", "YlOrRd_r", "YlGnBu_r", "Reds_r", "Blues_r", "Greens_r", "Oranges_r",
    "turbo_r", "jet_r",
    "RdBu_r", "RdYlBu_r", "coolwarm_r", "bwr_r", "seismic_r", "PuOr_r", "PiYG_r", "PRGn_r",
    "BrBG_r",
]  # fmt: skip
Colormap = Literal[Sequential, Diverging, Reversed]

# For maps whose values lie on one side of zero.
SEQUENTIAL: tuple[str, ...] = get_args(Sequential)
# For maps with two signs: the middle is zero.
DIVERGING: tuple[str, ...] = get_args(Diverging)
REVERSED: tuple[str, ...] = get_args(Reversed)


def without_direction(name: str) -> str:
    """Return the name of a colormap without `_r`, which reverses it."""
    return name.removesuffix("_r")
