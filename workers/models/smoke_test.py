"""One run of a new model on noise: does it take the images that its entry promises, and answer as it says?"""

import torch
from torch import Tensor, nn

from catalog.models import ModelEntry
from workers.models.errors import WrongOutput, first_line


@torch.no_grad()
def smoke_test(entry: ModelEntry, module: nn.Module) -> None:
    """Raises WrongOutput, which says what is wrong."""
    shape = (2, *entry.input_shape)
    noise = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    try:
        output = module.eval()(noise)
    except Exception as error:
        raise WrongOutput(
            f"{entry.name!r} does not take a batch of {_by(shape)} ({type(error).__name__}: {first_line(error)}). Do "
            "channels and input_size fit the model?"
        ) from error
    if not isinstance(output, Tensor) or output.ndim != 2 or len(output) != len(noise):
        raise WrongOutput(
            f"{entry.name!r} returns {_named(output)}; it must be one tensor of logits (batch, classes)."
        )
    if output.shape[1] != entry.classes:
        raise WrongOutput(
            f"{entry.name!r} answers with {output.shape[1]} classes, but its entry says {entry.classes}. Mend classes "
            "or labels, or the builder's arguments."
        )
    if not bool(output.isfinite().all()):
        raise WrongOutput(f"{entry.name!r} answers a picture of noise with NaN or infinity.")


def _by(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def _named(output: object) -> str:
    if isinstance(output, Tensor):
        return f"a tensor of shape {tuple(output.shape)}"
    return f"a {type(output).__name__}"
