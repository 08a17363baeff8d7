"""What a module computes without any of our preparation: the measure of all that follows."""

import re
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from workers.models.double_precision import Differentiated
from workers.models.errors import WrongOutput


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
    """Run the module on one image (1, C, H, W), forwards and backwards.

    Raises WrongOutput if torch has no gradient of one of its operators.
    """
    try:
        return _computed(module, x.detach().clone().requires_grad_())
    except RuntimeError as error:
        _explain(error)
        raise


def _computed(module: nn.Module, x: Tensor) -> Reference:
    with torch.enable_grad(), Differentiated(double=x.dtype == torch.float64):
        # Beside a copy of itself: on a CPU, torch has wrong gradients of norms for a single image.
        output = module(torch.cat([x, x]))[:1]
    generator = torch.Generator().manual_seed(1)
    direction = torch.randn(output.shape, generator=generator, dtype=torch.float64).to(output)
    return Reference(
        x.detach(), direction, output.detach(), gradient_of(output, direction.expand_as(output), x)
    )


def _explain(error: RuntimeError) -> None:
    """Raise WrongOutput in place of the error by which torch says that a derivative is missing."""
    if missing := re.search(r"derivative for '?(?:aten::)?(\w+)'? is not implemented", str(error)):
        raise WrongOutput(
            f"PyTorch has no gradient of the operator {missing[1]}. Write it by operators that "
            "have one, such as (x > 0).to(x.dtype) for heaviside, or give it x.detach()."
        ) from error


def gradient_of(output: Tensor, direction: Tensor, x: Tensor) -> Tensor | None:
    """Return the gradient of Σ direction · output by x, or None if it does not exist."""
    if not output.requires_grad:
        return None
    return torch.autograd.grad((output * direction).sum(), x, allow_unused=True)[0]
