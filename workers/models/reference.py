"""What a module computes without any of our preparation: the measure of all that follows."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from workers.models.double_precision import Differentiated


@dataclass(frozen=True)
class Reference:
    """A module's output and gradient for one image x (1, C, H, W).

    The gradient is that of Σ direction · output with respect to x. It is None if no gradient
    reaches the image.
    """

    x: Tensor
    direction: Tensor
    output: Tensor
    gradient: Tensor | None


def compute_reference(module: nn.Module, x: Tensor) -> Reference:
    """Run the module on one image (1, C, H, W), forwards and backwards."""
    x = x.detach().clone().requires_grad_()
    with torch.enable_grad(), Differentiated(double=x.dtype == torch.float64):
        output = module(x)
    generator = torch.Generator().manual_seed(1)
    direction = torch.randn(output.shape, generator=generator, dtype=torch.float64).to(output)
    return Reference(
        x.detach(), direction, output.detach(), gradient_of(output, direction.expand_as(output), x)
    )


def gradient_of(output: Tensor, direction: Tensor, x: Tensor) -> Tensor | None:
    """Return the gradient of Σ direction · output by x, or None if it does not exist."""
    if not output.requires_grad:
        return None
    return torch.autograd.grad((output * direction).sum(), x, allow_unused=True)[0]
