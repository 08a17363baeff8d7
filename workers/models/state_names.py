"""The tensor names of a state dict: rename them, and compare them with the module's.

Where they differ, the error proposes what to add to the model's entry.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn

from workers.models.errors import WeightsMismatch

_SHOWN = 3


def rename(
    state: Mapping[str, Tensor], prefix: str, renames: Mapping[str, str], file: str
) -> dict[str, Tensor]:
    """Keep the names with the prefix, remove it, and then replace their beginnings.

    `renames` maps old beginnings to new ones. Of several that match a name, the longest is used.
    Raises WeightsMismatch.
    """
    kept = {
        name.removeprefix(prefix): tensor
        for name, tensor in state.items()
        if name.startswith(prefix)
    }
    if not kept:
        raise WeightsMismatch(
            f"No name in {file!r} begins with the prefix {prefix!r}. It contains {_some(state)}."
        )
    for old in renames:
        if not any(name.startswith(old) for name in kept):
            raise WeightsMismatch(
                f"No name in {file!r} begins with {old!r}, which is a key of renames. "
                f"It contains {_some(kept)}."
            )
    renamed = {_renamed(name, renames): tensor for name, tensor in kept.items()}
    if len(renamed) < len(kept):
        raise WeightsMismatch(f"After renames, two tensors of {file!r} have the same name.")
    return renamed


def leave_out(state: Mapping[str, Tensor], patterns: Sequence[str], file: str) -> dict[str, Tensor]:
    """Return the state without the names that match a pattern of fnmatch. Raises WeightsMismatch.

    A pattern that matches no name is an error.
    """
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in state):
            raise WeightsMismatch(
                f"No name in {file!r} matches {pattern!r} of ignore. It contains {_some(state)}."
            )
    ignored = [name for name in state if any(fnmatchcase(name, one) for one in patterns)]
    return {name: tensor for name, tensor in state.items() if name not in ignored}


def fill(module: nn.Module, state: Mapping[str, Tensor], file: str) -> None:
    """Load the state into the module.

    A tensor with several names in the module needs one of them in the file. Raises
    WeightsMismatch, whose message says what differs and how to correct the entry.
    """
    own = module.state_dict()
    for name, tensor in own.items():
        if name in state and state[name].shape != tensor.shape:
            theirs, ours = tuple(state[name].shape), tuple(tensor.shape)
            raise WeightsMismatch(
                f"{name!r} is {theirs} in {file!r} but {ours} in the model. Build the model as it "
                "was trained: classes, channels and widths are arguments of the builder."
            )
    tied = _tied_names(own)
    _check_tied(tied, state, file)
    missing, unexpected = _load(module, state)
    missing = [name for name in missing if state.keys().isdisjoint(tied[name])]
    if missing or unexpected:
        raise WeightsMismatch(_difference(missing, unexpected, own, state, file))


def _tied_names(own: Mapping[str, Tensor]) -> dict[str, set[str]]:
    """Return, for each name, all names of the same tensor."""
    groups: dict[object, set[str]] = {}
    for name, tensor in own.items():
        # An empty tensor has no place in memory that tells it from others.
        place = (tensor.data_ptr(), tensor.shape, tensor.stride()) if tensor.numel() else name
        groups.setdefault(place, set()).add(name)
    return {name: group for group in groups.values() for name in group}


def _check_tied(tied: Mapping[str, set[str]], state: Mapping[str, Tensor], file: str) -> None:
    """Raise WeightsMismatch if the file has different values for one tensor of the model."""
    for name, others in tied.items():
        for other in (others - {name}) & state.keys():
            if name in state and not torch.equal(state[name], state[other]):
                raise WeightsMismatch(
                    f"{name!r} and {other!r} are one tensor in the model, but they differ in "
                    f"{file!r}. Build the model as it was trained."
                )


def _load(module: nn.Module, state: Mapping[str, Tensor]) -> tuple[list[str], list[str]]:
    """Load what fits, and return the missing and the unexpected names."""
    try:
        found = module.load_state_dict(state, strict=False)
    except ValueError:
        # A module asks for the version of its format, as torchvision's MNASNet does, and the file
        # has none. What has the shapes of the current version is of that version.
        versioned = OrderedDict(state)
        versioned._metadata = module.state_dict()._metadata  # type: ignore[attr-defined]
        found = module.load_state_dict(versioned, strict=False)
    return list(found.missing_keys), list(found.unexpected_keys)


def _renamed(name: str, renames: Mapping[str, str]) -> str:
    fitting = [old for old in renames if name.startswith(old)]
    if not fitting:
        return name
    old = max(fitting, key=len)
    return renames[old] + name.removeprefix(old)


def _difference(
    missing: list[str],
    unexpected: list[str],
    own: Mapping[str, Tensor],
    state: Mapping[str, Tensor],
    file: str,
) -> str:
    parts = [f"The names in {file!r} differ from the model's."]
    if missing:
        parts.append(f"The model needs {_some(missing)}.")
    if unexpected:
        parts.append(f"The file also has {_some(unexpected)}.")
    if added := _beginning(own, state):
        parts.append(f'Add prefix = "{added}".')
    elif lacking := _beginning(state, own):
        parts.append(f'Add renames = {{ "" = "{lacking}" }}.')
    elif not missing:
        parts.append(f"If the model does not need them, add ignore = {_patterns(unexpected)}.")
    return " ".join(parts)


def _patterns(names: Iterable[str]) -> str:
    """Return patterns that match the names, as TOML: `["*total_ops", "*total_params"]`."""
    ends = dict.fromkeys(f'"*{name.rpartition(".")[2]}"' for name in names)
    return f"[{', '.join(ends)}]"


def _beginning(short: Iterable[str], long: Iterable[str]) -> str:
    """Return the text that most names of `long` have in front of a name of `short`.

    Returns "" unless that text makes at least half of the names of `short` match.
    """
    wanted = set(short)
    found: Counter[str] = Counter()
    for name in long:
        parts = name.split(".")
        for cut in range(1, len(parts)):
            if ".".join(parts[cut:]) in wanted:
                found[".".join(parts[:cut]) + "."] += 1
    if not found:
        return ""
    beginning, count = found.most_common(1)[0]
    return beginning if 2 * count >= len(wanted) else ""


def _some(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(repr(name)[:80] for name in names[:_SHOWN]) + more
