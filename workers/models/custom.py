"""A custom model: its builder is imported, and only tensors are read from its weights file."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from catalog.model_entry import CustomSource, ModelEntry
from workers.models.errors import BuilderFailed, first_line
from workers.models.plain_module import plain_module, plain_names
from workers.models.select_output import select_output
from workers.models.state_file import read_state
from workers.models.state_names import leave_out, rename


def architecture(entry: ModelEntry) -> nn.Module:
    """Return the module that the entry's `module:function` builds. Raises BuilderFailed."""
    own = _source(entry)
    try:
        with _importable(own.folder):
            built = getattr(import_module(own.module), own.function)(**own.arguments)
    except Exception as error:
        raise BuilderFailed(_explained(entry, own, error)) from error
    if not isinstance(built, nn.Module):
        kind = type(built).__name__
        raise BuilderFailed(f"{_name(own)} of {entry.name!r} returns {kind}, not an nn.Module.")
    built = plain_module(entry.name, built)
    if next(built.parameters(), None) is None:
        raise BuilderFailed(f"{_name(own)} of {entry.name!r} returns a module without parameters.")
    if any(map(is_lazy, built.parameters())):
        _initialize(entry, built)
    return select_output(built, entry.output)


@torch.no_grad()
def _initialize(entry: ModelEntry, module: nn.Module) -> None:
    """Give lazy layers their shapes, by one pass of the images that the entry describes."""
    try:
        module.eval()(torch.zeros(2, *entry.input_shape))
    except Exception as error:
        raise BuilderFailed(
            f"The lazy layers of {entry.name!r} take their shapes from an image of {_by(entry)}, "
            f"but the model does not run on it ({type(error).__name__}: {first_line(error)}). "
            "Check channels and input_size."
        ) from error
    if lazy := [name for name, value in module.named_parameters() if is_lazy(value)]:
        raise BuilderFailed(
            f"The lazy layer of {lazy[0]!r} in {entry.name!r} has no shape, since no image passes "
            "it. Remove it, or build it with the number of its inputs."
        )


def _by(entry: ModelEntry) -> str:
    return " × ".join(map(str, entry.input_shape))


def weights(entry: ModelEntry) -> dict[str, Tensor]:
    """Return the file's tensors under the module's names. Raises ModelError."""
    own = _source(entry)
    state = read_state(own.weights, own.weights_key)
    renamed = rename(state, own.prefix, own.renames, own.weights.name)
    return plain_names(leave_out(renamed, own.ignore, own.weights.name))


def _source(entry: ModelEntry) -> CustomSource:
    assert entry.own is not None
    return entry.own


def _name(own: CustomSource) -> str:
    return f"{own.module}:{own.function}"


def _explained(entry: ModelEntry, own: CustomSource, error: Exception) -> str:
    reason = first_line(error)
    if isinstance(error, ModuleNotFoundError):
        reason += ". Put the module beside the TOML file, or install it where the worker runs"
    return f"The builder {_name(own)} of {entry.name!r} failed: {type(error).__name__}: {reason}."


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Put the folder first on the import path while the builder is imported and runs."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
