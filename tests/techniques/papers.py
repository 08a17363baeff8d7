"""ReLU rules written from the papers: the slow oracle of guided backpropagation.

It intercepts every call of a ReLU-like function while an eager module runs, and uses no graph.
"""

from math import inf
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode


def paper_gradient(module: nn.Module, x: Tensor, index: int, rule: str) -> tuple[Tensor, int]:
    """Return R at the input, (B, 3, H, W), if every ReLU passes R back by that rule, and the
    number of ReLUs."""
    x = x.detach().clone().requires_grad_()
    with _Swapped(rule) as swapped:
        score = module(x)[:, index].sum()
    return torch.autograd.grad(score, x)[0], swapped.count


class _Swapped(TorchFunctionMode):
    def __init__(self, rule: str) -> None:
        super().__init__()
        self.rule = rule
        self.count = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        bounds = _bounds(func.__name__.rstrip("_"), args, kwargs)
        if bounds is None:
            return func(*args, **kwargs)
        self.count += 1
        return _Rule.apply(args[0], *bounds, self.rule)


def _bounds(name: str, args: Any, kwargs: dict[str, Any]) -> tuple[float, float] | None:
    """(0, upper) of a ReLU-like call; None for every other function."""
    if name == "relu":
        return 0.0, inf
    if name == "relu6":
        return 0.0, 6.0
    given = dict(zip(("low", "high"), args[1:3], strict=False))
    low = given.get("low", kwargs.get("min", kwargs.get("min_val")))
    high = given.get("high", kwargs.get("max", kwargs.get("max_val")))
    if name not in ("hardtanh", "clamp", "clamp_min") or low != 0:
        return None
    return 0.0, inf if high is None else float(high)


class _Rule(torch.autograd.Function):
    """f = min(max(x, 0), upper).

    Guided: R ← R · [f > 0] · [R > 0], and f < upper. Deconvnet: R ← R · [R > 0].
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, low: float, high: float, rule: str) -> Tensor:
        output = torch.where(x > low, x, torch.zeros_like(x))
        output = torch.where(output < high, output, torch.full_like(x, high))
        ctx.save_for_backward(output)
        ctx.rule, ctx.high = rule, high
        return output

    @staticmethod
    def backward(ctx: Any, relevance: Tensor) -> tuple[Tensor, None, None, None]:
        (output,) = ctx.saved_tensors
        passed = relevance * (relevance > 0)
        if ctx.rule == "guided":
            passed = passed * (output > 0) * (output < ctx.high)
        return passed, None, None, None
