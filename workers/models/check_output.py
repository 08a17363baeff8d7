"""Test a newly built model on noise: its entry says which images it takes and what it returns."""

import torch
from torch import Tensor, nn

from catalog.models import ModelEntry
from workers.models.check_same_output import check_same_output
from workers.models.errors import WrongOutput, first_line


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
    check_same_output(entry.name, module, noise, output)


def _by(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def _named(output: object) -> str:
    if isinstance(output, Tensor):
        return f"a tensor of shape {tuple(output.shape)}"
    return f"a {type(output).__name__}"
