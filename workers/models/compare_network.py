"""Compare a prepared network with what its module computes: outputs, and gradients by the image."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from workers.models.errors import WrongOutput
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
# Beyond these, single precision leaves too little of a result, and faults would look like rounding.
_COARSEST = Limits(0.01, 0.3)


def find_difference(
    network: Network, references: Sequence[Reference], limits: Limits
) -> str | None:
    """Return how the network differs in a batch of the references' images, or None.

    Every image of the batch is compared. Numbers have the precision of the network.
    """
    like, batch = next(network.module.parameters()), len(references)
    x = torch.cat([reference.x.to(like) for reference in references]).requires_grad_()
    with torch.enable_grad():
        output = network.logits(x)
    if output.shape != (batch, *references[0].output.shape[1:]):
        return f"its output has the shape {tuple(output.shape)} for a batch of {batch}"
    directions = torch.cat([reference.direction for reference in references])
    gradient = gradient_of(output, directions.to(output), x)
    for row, reference in enumerate(references):
        if (gradient is None) != (reference.gradient is None):
            return "a gradient reaches the image in one of them only"
        error = error_of(output[row].detach(), reference.output[0])
        if not error <= limits.output:
            return f"its output is off by {error:.1g} of the largest in a batch of {batch}"
        error = _gradient_error(gradient, reference.gradient, row)
        if not error <= limits.gradient:
            return f"its gradient by the image is off by {error:.1g} in a batch of {batch}"
    return None


def single_limits(name: str, single: Sequence[Reference], exact: Sequence[Reference]) -> Limits:
    """Return the limits of single precision, which is measured on the module itself.

    Raises WrongOutput if they leave too little of the result.
    """
    errors = _single_errors(single, exact)
    if not (errors.output <= _COARSEST.output and errors.gradient <= _COARSEST.gradient):
        raise WrongOutput(
            f"Single precision is too coarse for {name!r}: its own output is off by "
            f"{errors.output:.1g} of the largest, and its gradient by the image by "
            f"{errors.gradient:.1g}, from those in double precision. Avoid differences of nearly "
            "equal numbers, roots and quotients of numbers near 0, and steps."
        )
    return Limits(
        min(_COARSEST.output, max(SINGLE.output, _AS_GOOD * errors.output)),
        min(_COARSEST.gradient, max(SINGLE.gradient, _AS_GOOD * errors.gradient)),
    )


def _single_errors(single: Sequence[Reference], exact: Sequence[Reference]) -> Limits:
    """Return the largest errors of any image; NaN if one is NaN."""
    pairs = list(zip(single, exact, strict=True))
    output = [error_of(found.output, expected.output) for found, expected in pairs]
    gradient = [_gradient_error(found.gradient, expected.gradient, 0) for found, expected in pairs]
    return Limits(float(torch.tensor(output).max()), float(torch.tensor(gradient).max()))


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
