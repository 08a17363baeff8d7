"""Types and limits that the files of this room share."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, fx

Rectangle = tuple[int, int, int, int]
"""(left, top, right, bottom) of a patch, in pixels of the network's input."""

Positions = NDArray[np.int64]
"""Numbers of the patches of a batch, as indices into the grid."""

NodeValues = Mapping[fx.Node, Any]
"""Node → its value for the clean image, parameters and sizes included."""

ReadScore = Callable[[Tensor], Tensor]
"""Reads the scores (n,) from the output (n, …) of a layer."""

EngineName = Literal["incremental", "dense"]

# A window that covers more than this share of its map is pasted into it, and all operators behind
# it run on whole maps.
WHOLE_MAP_SHARE = 0.85
# Positions in a batch; on a CPU larger batches are no faster.
LARGEST_BATCH = 96
# The incremental engine must save this factor of multiplications. With less, cutting and pasting
# take the time that is saved.
LEAST_SPEEDUP = 1.3
