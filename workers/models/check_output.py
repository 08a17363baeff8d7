"""Test a newly built model on noise: its entry says which images it takes and what it returns."""

import re
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from catalog.models import ModelEntry
from workers.models.check_head import find_head_fault
from workers.models.check_same_output import check_same_output
from workers.models.errors import WrongOutput, first_line
from workers.models.select_output import describe_output, propose_output

# Logits grow with the range of the input, probabilities do not.
_HEAD_RANGE = 30
# How torch says that two types of numbers meet.
_PRECISION = re.compile(r"dtype|scalar type|\(?(Half|double|float|BFloat16)\)? and \w+ type")
# So many images show whether outputs lie in 0 to 1 by chance.
_MANY = 32


@torch.no_grad()
def check_output(entry: ModelEntry, module: nn.Module) -> None:
    """Run the module on images of noise of several ranges, in batches and one by one.

    Raises WrongOutput, which says what differs.
    """
    shape = (2, *entry.input_shape)
    noise = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    # The second image has another range, which a model that uses the whole batch's range notices.
    noise[1] = 4 * noise[1] - 2
    try:
        output = module.eval()(noise)
    except WrongOutput as error:  # the entry names an output that the model does not have
        raise WrongOutput(f"{entry.name!r}: {error}") from None
    except Exception as error:
        reason = f"{type(error).__name__}: {first_line(error)}"
        raise WrongOutput(
            f"{entry.name!r} does not accept a batch of shape {_by(shape)} ({reason}). "
            f"{_advice(error)}"
        ) from error
    output = _checked_axes(entry, output, len(noise))
    if output.shape[1] != entry.classes:
        raise WrongOutput(
            f"{entry.name!r} returns {output.shape[1]} classes, but its entry says "
            f"{entry.classes}. Correct classes, labels or the builder's arguments."
        )
    if not bool(output.isfinite().all()):
        raise WrongOutput(f"{entry.name!r} returns NaN or infinity for an image of noise.")
    noise = torch.cat([noise, _HEAD_RANGE * (noise - 0.5)])
    output = module(noise)
    _check_head(entry, module, output)
    check_same_output(entry.name, module, noise, output)


def _advice(error: Exception) -> str:
    """Return what to change if the model does not run on images of noise."""
    if _PRECISION.search(first_line(error)):
        return (
            "Images and weights are float32, whatever the weights were saved in. Remove half(), "
            "double() and other casts from the model's code, or cast to the type of a weight."
        )
    return "Check channels and input_size."


def _checked_axes(entry: ModelEntry, output: object, batch: int) -> Tensor:
    """Return the output if it has the axes that the entry says. Raises WrongOutput."""
    wanted = "(batch, classes, height, width)" if entry.dense else "(batch, classes)"
    axes = 4 if entry.dense else 2
    if isinstance(output, Tensor) and output.layout is not torch.strided:
        raise WrongOutput(
            f"{entry.name!r} returns a sparse tensor. Return output.to_dense() in its place."
        )
    if isinstance(output, Tensor) and not output.is_floating_point() and entry.head != "raw":
        raise WrongOutput(
            f"{entry.name!r} returns {_type(output)}, of which there is no probability. Return the "
            "scores of the classes, before argmax or rounding."
        )
    if isinstance(output, Tensor) and output.ndim == axes and len(output) == batch:
        return output
    advice = ""
    if not isinstance(output, Tensor) and (choice := propose_output(output, entry.classes, axes)):
        advice = f" Choose one of them in the entry, such as {choice}."
    elif isinstance(output, Tensor) and output.ndim == 4 and not entry.dense:
        advice = " If it has class scores at each place, write dense = true."
    elif isinstance(output, Tensor) and output.ndim == 2 and entry.dense:
        advice = " Remove dense = true."
    raise WrongOutput(
        f"{entry.name!r} returns {describe_output(output)}, but it must return one tensor of shape "
        f"{wanted}.{advice}"
    )


def _check_head(entry: ModelEntry, module: nn.Module, output: Tensor) -> None:
    """Raise WrongOutput if the outputs for noise of several ranges contradict the head.

    A few outputs may look so by chance. What they say must hold for many.
    """
    if not _head_fault(entry, output):
        return
    if fault := _head_fault(entry, torch.cat([output, *map(module, _more_noise(entry))])):
        raise WrongOutput(f"{entry.name!r}: {fault}")


def _head_fault(entry: ModelEntry, output: Tensor) -> str | None:
    finite = output[output.flatten(1).isfinite().all(1)]
    return find_head_fault(finite, entry.head, given=not entry.head_by_default)


def _more_noise(entry: ModelEntry) -> Iterator[Tensor]:
    """Yield batches of images, each about another mean and of another range than the one before."""
    generator = torch.Generator().manual_seed(1)
    for _ in range(_MANY // 4):
        noise = torch.rand(4, *entry.input_shape, generator=generator) - 0.5
        mean, spread = torch.randn(2, 4, entry.input_shape[0], 1, 1, generator=generator)
        yield 2 * mean + _HEAD_RANGE ** spread.clamp(-1, 1) * noise


def _type(output: Tensor) -> str:
    return f"numbers of type {str(output.dtype).removeprefix('torch.')}"


def _by(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
