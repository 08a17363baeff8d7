"""Types that several files of the network room share."""

from typing import Literal

Pair = tuple[int, int]
"""(vertical, horizontal)"""

Position = tuple[int, int] | Literal["center"]
"""(y, x) in the grid of a map, or its middle."""
