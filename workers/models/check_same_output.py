"""Test that an image has one output: at every call, and whatever else is in its batch."""

import torch
from torch import Tensor, nn

from workers.models.check_state import check_state
from workers.models.double_precision import Differentiated, double_precision
from workers.models.errors import WrongOutput, first_line
from workers.models.randomness import random_operators
from workers.toolkit.execution.device_memory import is_out_of_memory

# Kernels differ with the size of the batch, and with them the rounding of float32.
_BATCH_TOLERANCE = 1e-3
_DOUBLE_TOLERANCE = 1e-7
# Threads may add in another order from call to call.
_REPEAT_TOLERANCE = 1e-5


def check_same_output(name: str, module: nn.Module, images: Tensor, output: Tensor) -> None:
    """Compare the module's output for images (B, C, H, W) with that of further calls.

    The images must have very different ranges. Raises WrongOutput, which says what to change.
    """
    _check_repeatability(name, module, images, output)
    check_state(name, module, images[:1])
    _check_batch_independence(name, module, images, output)


def _check_repeatability(name: str, module: nn.Module, images: Tensor, output: Tensor) -> None:
    """Raise WrongOutput if the same images do not give the same output again."""
    again = module(images)
    if all(_same(*pair, _REPEAT_TOLERANCE) for pair in zip(again, output, strict=True)):
        return
    drawn = random_operators(module, images)
    cause = "It changes with each call. Remove the state that is kept between calls."
    if any(operator.startswith(("native_dropout", "bernoulli")) for operator in drawn):
        cause = (
            "A dropout is always on. Use nn.Dropout, or F.dropout(x, training=self.training), and "
            "leave train() and eval() to the caller."
        )
    elif drawn:
        cause = f"It draws random numbers ({', '.join(drawn)}). Draw them in training only."
    raise WrongOutput(
        f"{name!r} gives another output for the same images when it is called again, even in "
        f"evaluation mode. {cause}"
    )


def _check_batch_independence(name: str, module: nn.Module, images: Tensor, output: Tensor) -> None:
    """Raise WrongOutput if the output for an image depends on the other images of its batch.

    The jobs of an owner run in batches, so that such a model would answer each differently.
    An image may have an effect on all others by its rank in the batch, or by its range.
    """
    backwards = module(images.flip(0)).flip(0)
    for row in range(len(images)):
        alone = _alone(name, module, images[row : row + 1], output)
        for beside in (output[row], backwards[row]):
            if _same(beside, alone[0], _BATCH_TOLERANCE):
                continue
            if _differs_in_double(module, images, row):
                raise WrongOutput(_depends(name, _difference(beside, alone[0])))


def _differs_in_double(module: nn.Module, images: Tensor, row: int) -> bool:
    """Return whether an image has another output alone than in a batch, but for rounding.

    A network with random weights may enlarge the rounding of single precision to a hundredth of its
    output. A module that does not run in double precision counts as different.
    """
    try:
        with double_precision(module), Differentiated(double=True):
            exact = images.double()
            alone = module(exact[row : row + 1])[0]
            beside = (module(exact)[row], module(exact.flip(0)).flip(0)[row])
    except Exception as error:
        if is_out_of_memory(error):
            raise
        return True
    return not all(_same(output, alone, _DOUBLE_TOLERANCE) for output in beside)


def _alone(name: str, module: nn.Module, image: Tensor, output: Tensor) -> Tensor:
    """Return the output for one image (1, C, H, W), which has the shape of one of a batch."""
    try:
        alone: Tensor = module(image)
    except Exception as error:
        reason = f"{type(error).__name__}: {first_line(error)}"
        raise WrongOutput(f"{name!r} does not accept a single image ({reason}).") from error
    if alone.shape != output[:1].shape:
        raise WrongOutput(
            f"{name!r} returns the shape {tuple(alone.shape)} for a single image, but "
            f"{tuple(output.shape)} for {len(output)}: the batch axis is lost. Write flatten(1), "
            "or squeeze((2, 3)), in place of squeeze()."
        )
    return alone


def _depends(name: str, difference: float) -> str:
    return (
        f"The output of {name!r} for an image differs when the image is alone in its "
        f"batch (by {difference:.2g} of the largest output). Its results would depend on other "
        "jobs. Remove what works on the whole batch, such as a batch norm without running "
        "statistics, a minimum over all images, or a squeeze() without axes."
    )


def _same(found: Tensor, expected: Tensor, tolerance: float) -> bool:
    """Return whether two outputs for an image are equal up to rounding.

    Noise of a wide range may overflow: nothing is known of an image without finite output.
    """
    if torch.equal(found, expected) or not bool(expected.isfinite().all()):
        return True
    return _difference(found, expected) <= tolerance


def _difference(found: Tensor, expected: Tensor) -> float:
    """Return the largest difference, relative to the largest value; NaN if one is NaN."""
    return float((found - expected).abs().max() / expected.abs().max())
