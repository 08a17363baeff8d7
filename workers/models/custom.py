"""A model of your own: its builder is imported, its weights are read as tensors and nothing else."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from torch import Tensor, nn

from catalog.model_entry import CustomSource, ModelEntry
from workers.models.errors import BuilderFailed, first_line
from workers.models.state_file import read_state
from workers.models.state_names import rename


def architecture(entry: ModelEntry) -> nn.Module:
    """What `module:function` makes of its arguments. Raises BuilderFailed."""
    own = _source(entry)
    try:
        with _importable(own.folder):
            built = getattr(import_module(own.module), own.function)(**own.arguments)
    except Exception as error:
        raise BuilderFailed(_sentence(entry, own, error)) from error
    if not isinstance(built, nn.Module):
        raise BuilderFailed(
            f"{_name(own)} of {entry.name!r} returns {type(built).__name__}, not an nn.Module."
        )
    if next(built.parameters(), None) is None:
        raise BuilderFailed(f"{_name(own)} of {entry.name!r} returns a module without parameters.")
    return built.float()


def weights(entry: ModelEntry) -> dict[str, Tensor]:
    """The tensors of the file under the module's names. Raises ModelError."""
    own = _source(entry)
    return rename(
        read_state(own.weights, own.weights_key), own.prefix, own.renames, own.weights.name
    )


def _source(entry: ModelEntry) -> CustomSource:
    assert entry.own is not None
    return entry.own


def _name(own: CustomSource) -> str:
    return f"{own.module}:{own.function}"


def _sentence(entry: ModelEntry, own: CustomSource, error: Exception) -> str:
    said = first_line(error)
    if isinstance(error, ModuleNotFoundError):
        said += ". Put the module beside the TOML file, or install it where the worker runs"
    return f"The builder {_name(own)} of {entry.name!r} failed: {type(error).__name__}: {said}."


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """The folder comes first while the builder is imported and runs, and is then taken out again."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
