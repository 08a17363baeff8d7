"""What an optimizer turns, and the picture that it stands for.

A picture is RGB (or grey) in 0..1, (B, C, H, W).
"""

from typing import Protocol

import torch
from torch import Tensor


class Parametrization(Protocol):
    parameters: list[Tensor]

    def picture(self) -> Tensor:
        """(B, C, H, W), differentiable with respect to the parameters."""


class Pixels:
    """The pixels themselves, kept between `low` and `high` by `clip` where these are given."""

    def __init__(self, start: Tensor, low: float | None = None, high: float | None = None) -> None:
        self._low, self._high = low, high
        self.parameters = [start.detach().clone(memory_format=torch.contiguous_format).requires_grad_()]

    def picture(self) -> Tensor:
        return self.parameters[0]

    @torch.no_grad()
    def clip(self) -> None:
        if self._low is not None or self._high is not None:
            self.parameters[0].clamp_(self._low, self._high)
