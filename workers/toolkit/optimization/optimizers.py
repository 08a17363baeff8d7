"""Gradient steps that torch does not have."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

_GRADIENT = 1000.0  # ‖g‖₁ at the first step of ScaledLBFGS


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
                size = (
                    parameter.grad.abs()
                    .flatten(1)
                    .mean(1)
                    .clamp(min=torch.finfo(parameter.dtype).tiny)
                )
                parameter.sub_(
                    group["lr"] * parameter.grad / size.reshape(-1, *[1] * (parameter.ndim - 1))
                )
        return loss


class AnnealedAdam(torch.optim.Adam):
    """Adam whose rate is held for `since` steps, then falls along half a cosine, to zero after `steps` in all.

    Its own count of steps says where it is.
    """

    def __init__(self, parameters: list[Tensor], lr: float, steps: int, since: float = 0) -> None:
        super().__init__(parameters, lr=lr)
        self._peak, self._steps, self._since = lr, steps, since

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        for group in self.param_groups:
            done = float(self.state.get(group["params"][0], {}).get("step", 0))
            part = (done - self._since) / (self._steps - self._since)
            group["lr"] = self._peak * (1 + math.cos(math.pi * min(max(part, 0), 1))) / 2
        return super().step(closure)


class ScaledLBFGS(torch.optim.LBFGS):
    """L-BFGS that goes the same way whatever the loss is multiplied with.

    torch's takes shorter first steps and drops curvatures where the loss is small in absolute terms. Here loss and
    gradient are multiplied by a factor, fixed at the first step and kept in the state, that makes ‖g‖₁ a thousand.
    """

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        (group,) = self.param_groups

        def scaled() -> Any:
            loss = closure()
            gradients = [parameter.grad for parameter in group["params"]]
            if "scale" not in group:
                size = float(sum(gradient.abs().sum() for gradient in gradients))
                group["scale"] = _GRADIENT / size if 0 < size < math.inf else 1.0
            for gradient in gradients:
                gradient.mul_(group["scale"])
            return loss * group["scale"]

        return super().step(scaled)  # type: ignore[no-untyped-call]
