"""ReLU in all its forms, and the rules that attribution and maximization put in its place.

The graph has one operator per use. So a module, a function, an in-place call, a module used
twice, ReLU6 and a clamp at zero are all found; hooks on modules miss most of these.
"""

from math import inf
from typing import Any

import torch
from torch import Tensor, fx

from workers.toolkit.network.graph import operator_info, operator_name
from workers.toolkit.network.operators import Bound
from workers.toolkit.network.windows import arguments


def is_rectifier(node: fx.Node) -> bool:
    """Return True for ReLU, ReLU6 and every clamp whose lower bound is zero."""
    if operator_name(node) == "threshold":
        return list(node.args[1:3]) == [0, 0]
    bounds = operator_info(node).bounds
    return bounds is not None and _value(node, bounds[0]) == 0


def rectifier_range(node: fx.Node) -> float:
    """Return the upper bound of the rectifier's output."""
    bounds = operator_info(node).bounds
    upper = None if bounds is None else _value(node, bounds[1])
    return inf if upper is None else upper


def guided(x: Tensor, upper: float) -> Tensor:
    """Apply a ReLU whose gradient passes where input and gradient are positive.

    Springenberg et al. 2015.
    """
    output: Tensor = _Guided.apply(x, upper)
    return output


def deconvnet(x: Tensor, upper: float) -> Tensor:
    """Apply a ReLU whose gradient passes where it is positive (Zeiler & Fergus 2014)."""
    output: Tensor = _Deconvnet.apply(x, upper)
    return output


def redirected(x: Tensor, upper: float) -> Tensor:
    """Apply a ReLU that passes a loss's gradient where an image would get no gradient at all.

    It still stops what would only push a unit further into saturation (Olah et al. 2017, Lucid).
    """
    output: Tensor = _Redirected.apply(x, upper)
    return output


class _Guided(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, upper: float) -> Tensor:
        ctx.save_for_backward((x > 0) & (x < upper))
        return x.clamp(0, upper)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (passes,) = ctx.saved_tensors
        return gradients[0].clamp(min=0) * passes, None


class _Deconvnet(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, upper: float) -> Tensor:
        return x.clamp(0, upper)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0].clamp(min=0), None


class _Redirected(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, upper: float) -> Tensor:
        ctx.upper = upper
        ctx.save_for_backward(x)
        return x.clamp(0, upper)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (x,), gradient = ctx.saved_tensors, gradients[0]
        plain = gradient * ((x > 0) & (x < ctx.upper))
        # The unit is off, and the loss wants it lower still; or the other way round.
        lower = (x <= 0) & (gradient > 0)
        higher = (x >= ctx.upper) & (gradient < 0)
        passed = gradient.masked_fill(lower | higher, 0)
        dead = plain.flatten(1).abs().sum(1) == 0  # (B,)
        return torch.where(dead.reshape(-1, *[1] * (x.ndim - 1)), passed, plain), None


def _value(node: fx.Node, bound: Bound | None) -> float | None:
    """Return the bound as a number; None if there is none, or if it is a tensor."""
    value = arguments(node)[bound] if isinstance(bound, str) else bound
    return float(value) if isinstance(value, int | float) else None
