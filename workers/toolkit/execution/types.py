"""Types of functions that the rooms of the toolkit hand to each other."""

from collections.abc import Callable

from torch import Tensor

Progress = Callable[[int, int, str], None]
"""Reports (done, total, message); it raises when the job must stop."""

Score = Callable[[Tensor], Tensor]
"""Maps images (B, C, H, W) to one number each, (B,)."""
