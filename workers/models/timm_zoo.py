"""timm's classifiers with their published weights, fetched on first use by timm itself into the Hub's cache."""

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
    model: nn.Module = timm.create_model(entry.weights, pretrained=False)
    return model


def weights(entry: ModelEntry) -> dict[str, Tensor]:
    """The published tensors under timm's names, whatever form they are published in. Raises ModelError."""
    try:
        with _tensors_only():
            filled: nn.Module = timm.create_model(entry.weights, pretrained=True)
    except SafetensorError as error:
        raise WeightsDamaged(
            f"The file of {entry.weights} is damaged. Remove it from the worker's cache."
        ) from error
    except OSError as error:
        raise WeightsUnavailable(
            f"The weights {entry.weights} of {entry.name!r} are neither in the worker's cache nor could they be "
            "fetched. Give the worker access to the Hugging Face Hub, or fill its cache (HF_HOME) on another machine."
        ) from error
    except (UnpicklingError, RuntimeError, KeyError, ValueError) as error:
        raise _reason(entry, error) from error
    return dict(filled.state_dict())


def _reason(entry: ModelEntry, error: Exception) -> WeightsRefused | WeightsMismatch:
    if isinstance(error, UnpicklingError) or isinstance(error.__cause__, UnpicklingError):
        return WeightsRefused(
            f"The file of {entry.weights} holds pickled code or is damaged; it was not run."
        )
    return WeightsMismatch(
        f"The published weights {entry.weights} do not fit timm's {entry.name!r}."
    )


@contextmanager
def _tensors_only() -> Iterator[None]:
    """Whatever a version of timm asks of torch.load, code in a pickle is refused."""
    before = os.environ.get(_TENSORS_ONLY)
    os.environ[_TENSORS_ONLY] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_TENSORS_ONLY]
        else:
            os.environ[_TENSORS_ONLY] = before
