"""timm's classifiers with their published weights.

timm downloads them on first use into the cache of the Hugging Face Hub.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pickle import UnpicklingError

import timm
from safetensors import SafetensorError
from torch import Tensor, nn

from catalog.models import ModelEntry
from workers.models.errors import (
    WeightsDamaged,
    WeightsMismatch,
    WeightsRefused,
    WeightsUnavailable,
)

_TENSORS_ONLY = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"


def architecture(entry: ModelEntry) -> nn.Module:
    """Return the network with random weights."""
    model: nn.Module = timm.create_model(entry.weights, pretrained=False)
    return model


def weights(entry: ModelEntry) -> dict[str, Tensor]:
    """Return the published tensors under timm's names, in whatever format they are published.

    Raises ModelError.
    """
    try:
        with _tensors_only():
            filled: nn.Module = timm.create_model(entry.weights, pretrained=True)
    except SafetensorError as error:
        raise WeightsDamaged(
            f"The file of {entry.weights} is damaged. Remove it from the worker's cache."
        ) from error
    except OSError as error:
        raise WeightsUnavailable(
            f"The weights {entry.weights} of {entry.name!r} are not in the worker's cache and "
            "cannot be downloaded. Give the worker access to the Hugging Face Hub, or fill its "
            "cache (HF_HOME) on another machine."
        ) from error
    except (UnpicklingError, RuntimeError, KeyError, ValueError) as error:
        raise _explained(entry, error) from error
    return dict(filled.state_dict())


def _explained(entry: ModelEntry, error: Exception) -> WeightsRefused | WeightsMismatch:
    if isinstance(error, UnpicklingError) or isinstance(error.__cause__, UnpicklingError):
        return WeightsRefused(
            f"The file of {entry.weights} contains pickled code or is damaged. "
            "The code was not run."
        )
    return WeightsMismatch(
        f"The published weights {entry.weights} do not fit timm's {entry.name!r}."
    )


@contextmanager
def _tensors_only() -> Iterator[None]:
    """Make torch.load refuse pickled code, whatever this version of timm passes to it."""
    before = os.environ.get(_TENSORS_ONLY)
    os.environ[_TENSORS_ONLY] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_TENSORS_ONLY]
        else:
            os.environ[_TENSORS_ONLY] = before
