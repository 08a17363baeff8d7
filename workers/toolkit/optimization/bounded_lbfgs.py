"""L-BFGS within bounds, for pixels that stay in the range that a screen shows."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

# A pair counts if its curvature s·y is at least this part of ‖s‖ ‖y‖.
_LEAST_CURVATURE = 1e-8

Pair = tuple[Tensor, Tensor]
"""The change s of the parameter in a step, and the change y of its gradient."""


class BoundedLBFGS(torch.optim.Optimizer):
    """L-BFGS without line search for one tensor, whose values stay between `low` and `high`.

    Values at a bound that the gradient pushes outwards are held, and the quasi-Newton step is
    taken in the others and projected to the bounds (Bertsekas 1982, Projected Newton Methods). The
    result does not depend on the scale of the loss. The first step moves by ‖s‖₁ = rate, `history`
    is the number of pairs that are remembered.
    """

    def __init__(
        self,
        parameters: list[Tensor],
        lr: float,
        low: Tensor | float,
        high: Tensor | float,
        history: int,
    ) -> None:
        super().__init__(parameters, {"lr": lr})
        self._low, self._high, self._history = low, high, history

    @torch.no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Take one step; return the loss before it."""
        with torch.enable_grad():
            loss = closure()
        (group,) = self.param_groups
        (parameter,) = group["params"]
        state, gradient = self.state[parameter], parameter.grad
        free = self._free(parameter, gradient)
        pairs = self._pairs(state, parameter, free)
        downhill = -gradient * free
        step = _newton_step(pairs, downhill) * free
        if not pairs or float((step * downhill).sum()) <= 0:
            pairs.clear()
            step = downhill / downhill.abs().sum().clamp(min=torch.finfo(downhill.dtype).tiny)
        state["x"], state["gradient"] = parameter.clone(), gradient.clone()
        parameter.add_(step, alpha=group["lr"]).clamp_(self._low, self._high)
        return loss

    def _free(self, x: Tensor, gradient: Tensor) -> Tensor:
        """Return which values are not held at a bound."""
        held_low, held_high = (x <= self._low) & (gradient > 0), (x >= self._high) & (gradient < 0)
        return ~(held_low | held_high)

    def _pairs(self, state: dict[str, Any], x: Tensor, free: Tensor) -> list[Pair]:
        """Return the remembered pairs, with the one of the last step if its curvature counts."""
        pairs: list[Pair] = state.setdefault("pairs", [])
        if "x" in state:
            s, y = (x - state["x"]) * free, (x.grad - state["gradient"]) * free
            if float((s * y).sum()) > _LEAST_CURVATURE * float(s.norm() * y.norm()):
                pairs.append((s, y))
                del pairs[: -self._history]
        return pairs


def _newton_step(pairs: list[Pair], downhill: Tensor) -> Tensor:
    """Return the product of the inverse Hessian's estimate with the negative gradient.

    This is the two-loop recursion of Nocedal 1980.
    """
    q, factors = downhill, []
    for s, y in reversed(pairs):
        factors.append((s * q).sum() / (s * y).sum())
        q = q - factors[-1] * y
    if pairs:
        s, y = pairs[-1]
        q = q * ((s * y).sum() / y.square().sum())
    for s, y in pairs:
        q = q + (factors.pop() - (y * q).sum() / (s * y).sum()) * s
    return q
