"""Gradients that may not exist: where a step of the model has none, autograd has no path."""

import torch
from torch import Tensor

from workers.toolkit.errors import NoGradient


def find_gradient(value: Tensor, x: Tensor) -> Tensor | None:
    """Return ∂ Σ value / ∂ x in the shape of x, or None if it does not exist."""
    if not value.requires_grad:
        return None
    with torch.enable_grad():  # the caller may have turned gradients off
        return torch.autograd.grad(value.sum(), x, allow_unused=True)[0]


def gradient_by_image(value: Tensor, x: Tensor) -> Tensor:
    """Return ∂ Σ value / ∂ x for images x (B, C, H, W). Raises NoGradient."""
    gradient = find_gradient(value, x)
    if gradient is None:
        raise missing_gradient()
    return gradient


def missing_gradient() -> NoGradient:
    """Return the error for a target without gradient."""
    return NoGradient(
        "The target has no gradient with respect to the image: a step of the model, such as "
        "detach() or a comparison, has none. `occlusion` and `rise` need no gradient."
    )
