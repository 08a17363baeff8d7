"""Read a state dict from a file of safetensors or torch.save. Pickled code is never run."""

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from workers.models.errors import (
    WeightsDamaged,
    WeightsMismatch,
    WeightsRefused,
    WeightsUnavailable,
)


def read_state(path: Path, key: str = "") -> dict[str, Tensor]:
    """Return the tensors by name. `key` is the entry of a checkpoint that contains them.

    Messages name the file but never its folder, since clients read them.

    Raises WeightsUnavailable, WeightsRefused, WeightsDamaged or WeightsMismatch.
    """
    if not path.is_file():
        raise WeightsUnavailable(f"The weights file {path.name!r} is not on the worker's machine.")
    if path.suffix == ".safetensors":
        return _tensors(_read_safetensors(path), key, path.name)
    return _tensors(_read_torch(path), key, path.name)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsDamaged(
            f"{path.name!r} is not a safetensors file, or it is damaged or incomplete."
        ) from error


def _read_torch(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise WeightsRefused(
            f"{path.name!r} contains pickled code, such as a whole model, or is damaged. The code "
            "was not run. Save only the tensors: torch.save(model.state_dict(), path), or "
            "safetensors."
        ) from error
    except (OSError, EOFError, RuntimeError, ValueError) as error:
        raise WeightsDamaged(
            f"{path.name!r} was not written by torch.save, or it is damaged or incomplete."
        ) from error


def _tensors(found: Any, key: str, name: str) -> dict[str, Tensor]:
    if key:
        if not isinstance(found, Mapping) or key not in found:
            raise WeightsMismatch(
                f"{name!r} has no key {key!r} (weights_key). It contains {_listed(found)}."
            )
        found = found[key]
    if _is_state(found):
        return dict(found)
    if nested := _nested(found):
        raise WeightsMismatch(
            f'{name!r} contains its tensors under a key. Add weights_key = "{nested}".'
        )
    raise WeightsMismatch(
        f"{name!r} is not a state dict: it contains {_listed(found)}, not tensors by name."
    )


def _nested(found: Any) -> str | None:
    """Return the first key whose value is a state dict."""
    items = found.items() if isinstance(found, Mapping) else ()
    return next((key for key, value in items if _is_state(value)), None)


def _is_state(value: Any) -> bool:
    if not isinstance(value, Mapping) or not value:
        return False
    return all(isinstance(name, str) and isinstance(item, Tensor) for name, item in value.items())


def _listed(found: Any) -> str:
    if not isinstance(found, Mapping):
        return f"a {type(found).__name__}"
    names = [repr(name)[:60] for name in list(found)[:6]]
    return ", ".join(names) + (" …" if len(found) > 6 else "") or "nothing"
