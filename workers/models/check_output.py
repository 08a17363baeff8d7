"""Test a newly built model on noise: its entry says which images it takes and what it returns."""

import torch
from torch import Tensor, nn

from catalog.models import ModelEntry
from workers.models.errors import WrongOutput, first_line
from workers.models.randomness import random_operators

# Kernels differ with the size of the batch, and with them the rounding of float32.
_BATCH_TOLERANCE = 1e-3
# Threads may add in another order from call to call.
_REPEAT_TOLERANCE = 1e-5


@torch.no_grad()
def check_output(entry: ModelEntry, module: nn.Module) -> None:
    """Run the module on two images of noise, twice, then on the first of them alone.

    Raises WrongOutput, which says what differs.
    """
    shape = (2, *entry.input_shape)
    noise = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    # The second image has another range, which a model that uses the whole batch's range notices.
    noise[1] = 4 * noise[1] - 2
    try:
        output = module.eval()(noise)
    except Exception as error:
        reason = f"{type(error).__name__}: {first_line(error)}"
        raise WrongOutput(
            f"{entry.name!r} does not accept a batch of shape {_by(shape)} ({reason}). "
            "Check channels and input_size."
        ) from error
    if not isinstance(output, Tensor) or output.ndim != 2 or len(output) != len(noise):
        raise WrongOutput(
            f"{entry.name!r} returns {_named(output)}, but it must return one tensor of logits, "
            "of shape (batch, classes)."
        )
    if output.shape[1] != entry.classes:
        raise WrongOutput(
            f"{entry.name!r} returns {output.shape[1]} classes, but its entry says "
            f"{entry.classes}. Correct classes, labels or the builder's arguments."
        )
    if not bool(output.isfinite().all()):
        raise WrongOutput(f"{entry.name!r} returns NaN or infinity for an image of noise.")
    _check_repeatability(entry, module, noise, output)
    _check_batch_independence(entry, module, noise, output)


def _check_repeatability(
    entry: ModelEntry, module: nn.Module, noise: Tensor, output: Tensor
) -> None:
    """Raise WrongOutput if the same images do not give the same output again."""
    again = module(noise)
    if torch.equal(again, output) or _difference(again, output) <= _REPEAT_TOLERANCE:
        return
    drawn = random_operators(module, noise)
    cause = "It changes with each call. Remove the state that is kept between calls."
    if any(name.startswith(("native_dropout", "bernoulli")) for name in drawn):
        cause = (
            "A dropout is always on. Use nn.Dropout, or F.dropout(x, training=self.training), and "
            "leave train() and eval() to the caller."
        )
    elif drawn:
        cause = f"It draws random numbers ({', '.join(drawn)}). Draw them in training only."
    raise WrongOutput(
        f"{entry.name!r} gives another output for the same images when it is called again, even in "
        f"evaluation mode. {cause}"
    )


def _check_batch_independence(
    entry: ModelEntry, module: nn.Module, noise: Tensor, output: Tensor
) -> None:
    """Raise WrongOutput if the output for an image depends on the other images of its batch.

    Jobs run in batches, of several owners too, so that such a model would answer each differently.
    """
    try:
        alone = module(noise[:1])
    except Exception as error:
        reason = f"{type(error).__name__}: {first_line(error)}"
        raise WrongOutput(f"{entry.name!r} does not accept a single image ({reason}).") from error
    if alone.shape != output[:1].shape:
        raise WrongOutput(
            f"{entry.name!r} returns {_named(alone)} for a single image, but {_named(output)} for "
            "two: the batch axis is lost. Write flatten(1), or squeeze((2, 3)), in place of "
            "squeeze()."
        )
    if (difference := _difference(alone, output[:1])) > _BATCH_TOLERANCE:
        raise WrongOutput(
            f"The output of {entry.name!r} for an image differs when the image is alone in its "
            f"batch (by {difference:.2g} of the largest output). Its results would depend on other "
            "jobs. Remove what works on the whole batch, such as a batch norm without running "
            "statistics, a minimum over all images, or a squeeze() without axes."
        )


def _difference(found: Tensor, expected: Tensor) -> float:
    """Return the largest difference, relative to the largest value."""
    difference = float((found - expected).abs().max())
    return difference / float(expected.abs().max()) if difference else 0.0


def _by(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def _named(output: object) -> str:
    if isinstance(output, Tensor):
        return f"a tensor of shape {tuple(output.shape)}"
    return f"a {type(output).__name__}"
