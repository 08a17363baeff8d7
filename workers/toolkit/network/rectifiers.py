"""ReLU in all its forms, and what guided backpropagation and the deconvnet do in its place.

The graph has one operator per use, so that a module, a function, an in-place call, a module used twice, ReLU6 and a
clamp at zero are all found; hooks on modules miss most of these.
"""

from math import inf
from typing import Any

import torch
from torch import Tensor, fx

from workers.toolkit.network.graph import operator_name

_NAMED = {"relu": inf, "relu6": 6.0, "threshold": inf}
_CLAMP_DEFAULTS = {
    "hardtanh": (-1.0, 1.0),
    "clamp": (None, None),
    "clip": (None, None),
    "clamp_min": (None, None),
}


def is_rectifier(node: fx.Node) -> bool:
    """True for ReLU, ReLU6 and every clamp whose lower bound is zero."""
    name = operator_name(node)
    if name == "threshold":
        return list(node.args[1:3]) == [0, 0]
    return name in _NAMED or (name in _CLAMP_DEFAULTS and _bounds(node)[0] == 0)


def rectifier_range(node: fx.Node) -> float:
    """The upper bound of the rectifier's output."""
    name = operator_name(node)
    if name in _NAMED:
        return _NAMED[name]
    upper = _bounds(node)[1]
    return inf if upper is None else float(upper)


def guided(x: Tensor, upper: float) -> Tensor:
    """ReLU whose gradient passes where the input and the gradient are positive (Springenberg et al. 2015)."""
    output: Tensor = _Guided.apply(x, upper)
    return output


def deconvnet(x: Tensor, upper: float) -> Tensor:
    """ReLU whose gradient passes where the gradient is positive (Zeiler & Fergus 2014)."""
    output: Tensor = _Deconvnet.apply(x, upper)
    return output


def redirected(x: Tensor, upper: float) -> Tensor:
    """ReLU that lets the gradient of a loss through where an image would get none at all (Olah et al. 2017, Lucid).

    It still stops what would only push a unit further into saturation.
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
        lower = (x <= 0) & (gradient > 0)  # already off, and the loss wants it lower still
        higher = (x >= ctx.upper) & (gradient < 0)
        redirected = gradient.masked_fill(lower | higher, 0)
        dead = plain.flatten(1).abs().sum(1) == 0  # (B,)
        return torch.where(dead.reshape(-1, *[1] * (x.ndim - 1)), redirected, plain), None


def _bounds(node: fx.Node) -> tuple[Any, Any]:
    """(lower, upper) as written; a bound that is not a number is None."""
    lower, upper = _CLAMP_DEFAULTS[operator_name(node)]
    names = {"hardtanh": ("min_val", "max_val")}.get(operator_name(node), ("min", "max"))
    given = [*node.args[1:], None, None][:2]
    bounds = []
    for value, name, default in zip(given, names, (lower, upper), strict=True):
        chosen = value if value is not None else node.kwargs.get(name, default)
        bounds.append(chosen if isinstance(chosen, int | float) else None)
    return bounds[0], bounds[1]
