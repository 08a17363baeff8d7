"""Gradient steps that torch does not have."""

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
