"""Optimizers that torch does not have."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

# ‖g‖₁ to which ScaledLBFGS scales the first gradient.
_GRADIENT_NORM = 1000.0


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

    It reaches zero after `steps` in all. Adam's own count of steps tells how many are taken.
    """

    def __init__(self, parameters: list[Tensor], lr: float, steps: int, since: float = 0) -> None:
        super().__init__(parameters, lr=lr)
        self._peak, self._steps, self._since = lr, steps, since

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Take one step; return the loss before it."""
        for group in self.param_groups:
            done = float(self.state.get(group["params"][0], {}).get("step", 0))
            part = (done - self._since) / (self._steps - self._since)
            group["lr"] = self._peak * (1 + math.cos(math.pi * min(max(part, 0), 1))) / 2
        return super().step(closure)


class ScaledLBFGS(torch.optim.LBFGS):
    """L-BFGS that is invariant to the scale of the loss.

    torch's L-BFGS takes shorter first steps and drops curvatures if the loss is small in absolute
    terms. Here loss and gradient are multiplied by a factor that makes ‖g‖₁ a thousand at the first
    step. The factor is kept in the state.
    """

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Take one step; return the scaled loss before it."""
        (group,) = self.param_groups

        def scaled() -> Any:
            loss = closure()
            gradients = [parameter.grad for parameter in group["params"]]
            if "scale" not in group:
                size = float(sum(gradient.abs().sum() for gradient in gradients))
                group["scale"] = _GRADIENT_NORM / size if 0 < size < math.inf else 1.0
            for gradient in gradients:
                gradient.mul_(group["scale"])
            return loss * group["scale"]

        return super().step(scaled)  # type: ignore[no-untyped-call]
