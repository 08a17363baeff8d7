"""Gradient steps that torch does not have."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class NormalizedGradient(torch.optim.Optimizer):
    """x ← x − rate · g / mean|g|, for each picture of the batch (Mordvintsev et al. 2015)."""

    def __init__(self, parameters: list[Tensor], lr: float) -> None:
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        with torch.enable_grad():
            loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                size = parameter.grad.abs().flatten(1).mean(1).clamp(min=torch.finfo(parameter.dtype).tiny)
                parameter.sub_(group["lr"] * parameter.grad / size.reshape(-1, *[1] * (parameter.ndim - 1)))
        return loss


class AnnealedAdam(torch.optim.Adam):
    """Adam whose rate falls to zero along half a cosine in so many steps; its own count of steps says where it is."""

    def __init__(self, parameters: list[Tensor], lr: float, steps: int) -> None:
        super().__init__(parameters, lr=lr)
        self._peak, self._steps = lr, steps

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        for group in self.param_groups:
            done = float(self.state.get(group["params"][0], {}).get("step", 0))
            group["lr"] = self._peak * (1 + math.cos(math.pi * min(done / self._steps, 1))) / 2
        return super().step(closure)
