"""A state dict from a file: safetensors, or what torch.save wrote. Pickled code is never run."""

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
    """The tensors by name; `key` says where a checkpoint keeps them. Sentences name the file, never its folder.

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
            f"{path.name!r} is not a safetensors file, or is damaged or incomplete."
        ) from error


def _read_torch(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise WeightsRefused(
            f"{path.name!r} holds pickled code, such as a whole model, or is damaged; it was not run. Save the tensors "
            "alone: torch.save(model.state_dict(), path), or safetensors."
        ) from error
    except (OSError, EOFError, RuntimeError, ValueError) as error:
        raise WeightsDamaged(
            f"{path.name!r} is not a file of torch.save, or is damaged or incomplete."
        ) from error


def _tensors(found: Any, key: str, name: str) -> dict[str, Tensor]:
    if key:
        if not isinstance(found, Mapping) or key not in found:
            raise WeightsMismatch(
                f"{name!r} has no {key!r} (weights_key). It holds: {_listed(found)}."
            )
        found = found[key]
    if _is_state(found):
        return dict(found)
    nested = (
        [inner for inner, value in found.items() if _is_state(value)]
        if isinstance(found, Mapping)
        else []
    )
    if nested:
        raise WeightsMismatch(
            f'{name!r} keeps its tensors under a name. Add weights_key = "{nested[0]}".'
        )
    raise WeightsMismatch(
        f"{name!r} is not a state dict: it holds {_listed(found)}, not tensors by name."
    )


def _is_state(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(
            isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in value.items()
        )
    )


def _listed(found: Any) -> str:
    if not isinstance(found, Mapping):
        return f"a {type(found).__name__}"
    names = [repr(name)[:60] for name in list(found)[:6]]
    return ", ".join(names) + (" …" if len(found) > 6 else "") or "nothing"
