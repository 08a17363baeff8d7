"""The rules that attribution and maximization put in the place of ReLU."""

from typing import Any

import torch
from torch import Tensor


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
