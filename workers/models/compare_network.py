"""Compare a prepared network with what its module computes: outputs, and gradients by the image."""

from dataclasses import dataclass

import torch
from torch import Tensor

from workers.models.reference import Reference, gradient_of
from workers.toolkit.network.network import Network


@dataclass(frozen=True)
class Limits:
    """The largest errors that are rounding.

    Relative to the largest output, and to the largest gradient, or in single precision to the norm
    of the gradient.
    """

    output: float
    gradient: float


# Both sides compute the same function in double precision.
EXACT = Limits(1e-9, 1e-9)
# The same, for code with constants that are rounded to single precision in the graph only.
ROUNDED = Limits(1e-5, 1e-3)
# In single precision, where ReLUs whose inputs are nearly zero may differ.
SINGLE = Limits(1e-4, 0.05)
# Where single precision itself is the limit, another order of the same sums is about as far off.
_AS_GOOD = 3.0


def find_difference(
    network: Network, reference: Reference, other: Tensor, batch: int, limits: Limits
) -> str | None:
    """Return how the network differs from the reference in a batch, or None if it does not.

    In a batch of three, an image (1, C, H, W) that is not compared lies between two of the
    reference. Numbers have the precision of the network.
    """
    like = next(network.module.parameters())
    images = [reference.x] if batch == 1 else [reference.x, other, reference.x]
    x = torch.cat([image.to(like) for image in images]).requires_grad_()
    with torch.enable_grad():
        output = network.logits(x)
    if output.shape != (batch, *reference.output.shape[1:]):
        return f"its output has the shape {tuple(output.shape)} for a batch of {batch}"
    gradient = gradient_of(output, reference.direction.to(output), x)
    if (gradient is None) != (reference.gradient is None):
        return "a gradient reaches the image in one of them only"
    for row in range(0, batch, 2):
        error = error_of(output[row].detach(), reference.output[0])
        if not error <= limits.output:
            return f"its output is off by {error:.1g} of the largest in a batch of {batch}"
        error = _gradient_error(gradient, reference.gradient, row)
        if not error <= limits.gradient:
            return f"its gradient by the image is off by {error:.1g} in a batch of {batch}"
    return None


def single_limits(single: Reference, exact: Reference) -> Limits:
    """Return the limits of single precision, which is measured on the module itself."""
    output = error_of(single.output, exact.output)
    gradient = _gradient_error(single.gradient, exact.gradient, 0)
    return Limits(max(SINGLE.output, _AS_GOOD * output), max(SINGLE.gradient, _AS_GOOD * gradient))


def error_of(found: Tensor, expected: Tensor) -> float:
    """Return the largest difference, relative to the largest value that is expected."""
    return _relative((found.double() - expected.double()).abs().max(), expected.abs().max())


def _gradient_error(found: Tensor | None, expected: Tensor | None, row: int) -> float:
    """Return the error by the largest value in double precision, and by the norm in single."""
    if found is None or expected is None:
        return 0.0
    if found.dtype == torch.float64:
        return error_of(found[row], expected[0])
    return _relative((found[row].double() - expected[0].double()).norm(), expected.double().norm())


def _relative(difference: Tensor, size: Tensor) -> float:
    if not bool(difference):
        return 0.0
    return float(difference / size)
