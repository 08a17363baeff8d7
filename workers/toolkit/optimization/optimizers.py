"""Optimizers that torch does not have."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class NormalizedGradient(torch.optim.Optimizer):
    """Gradient steps of one mean size: x ← x − rate · g / mean|g|, for each picture of the batch.

    Source: Mordvintsev et al. 2015.
    """

    def __init__(self, parameters: list[Tensor], lr: float) -> None:
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Take one step; return the loss before it."""
        with torch.enable_grad():
            loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                gradient = parameter.grad
                tiny = torch.finfo(parameter.dtype).tiny
                size = gradient.abs().flatten(1).mean(1).clamp(min=tiny)
                size = size.reshape(-1, *[1] * (parameter.ndim - 1))
                parameter.sub_(group["lr"] * gradient / size)
        return loss


class AnnealedAdam(torch.optim.Adam):
    """Adam with a rate that is constant for `since` steps and then falls along half a cosine.

    It reaches zero after `steps` in all, and does not fall if `since` is no less. Adam's own count
    of steps tells how many are taken.
    """

    def __init__(self, parameters: list[Tensor], lr: float, steps: int, since: float = 0) -> None:
        super().__init__(parameters, lr=lr)
        self._peak, self._steps, self._since = lr, steps, since

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Take one step; return the loss before it."""
        for group in self.param_groups:
            done = float(self.state.get(group["params"][0], {}).get("step", 0))
            falling = self._steps - self._since
            part = (done - self._since) / falling if falling > 0 else 0.0
            group["lr"] = self._peak * (1 + math.cos(math.pi * min(max(part, 0), 1))) / 2
        return super().step(closure)
