"""Refuse a module that keeps a state from call to call on which its output depends.

Two calls in a row may agree all the same, as while a counter is below a threshold or after a
warm-up. What changes is found by comparing the module before and after a call: buffers, and tensors
and numbers that are attributes. Whether the output depends on it is asked by changing it. A state
in a list, a dict or another object is not seen.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, fx, nn

from workers.models.errors import WrongOutput

_Place = tuple[nn.Module, str, str]
"""A module, the name of its attribute, and the path of that from the model."""

_TOLERANCE = 1e-5


@torch.no_grad()
def check_state(name: str, module: nn.Module, images: Tensor) -> None:
    """Raise WrongOutput if the output for images (B, C, H, W) depends on what a call changes."""
    for place in changed_by_call(module, images):
        if _decides(module, place, images):
            raise WrongOutput(explain_state(name, place[2]))


def check_graph_state(
    name: str, module: nn.Module, operators: list[fx.Node], images: Tensor
) -> None:
    """Raise WrongOutput if the operators of the output read a buffer that a call changes."""
    read = {str(node.target) for node in operators if node.op == "get_attr"}
    for _, _, path in changed_by_call(module, images):
        if path in read:
            raise WrongOutput(explain_state(name, path))


def explain_state(name: str, path: str) -> str:
    """Return in words that the output depends on a state, and what to change."""
    return (
        f"The output of {name!r} depends on {path!r}, which each call changes, even in evaluation "
        "mode, so that the same image has another result later. Change it only if self.training."
    )


@torch.no_grad()
def changed_by_call(module: nn.Module, images: Tensor) -> list[_Place]:
    """Return what a call changes that has been called before."""
    module(images)
    before = {path: _copied(getattr(owner, name)) for owner, name, path in _places(module)}
    module(images)
    return [
        (owner, name, path)
        for owner, name, path in _places(module)
        if path in before and not _equal(before[path], getattr(owner, name))
    ]


def _decides(module: nn.Module, place: _Place, images: Tensor) -> bool:
    """Return whether another value of that state gives another output, or none."""
    with _restored(place):
        expected = module(images)
    for change in _changes(getattr(place[0], place[1])):
        with _restored(place, change):
            try:
                found = module(images)
            except Exception:  # such as of an index that is out of range
                return True
        if not torch.allclose(found, expected, _TOLERANCE, _TOLERANCE, equal_nan=True):
            return True
    return False


def _changes(value: Any) -> list[Callable[[Tensor], Tensor]]:
    """Return what makes other values of a tensor or a number."""
    if isinstance(value, bool) or (isinstance(value, Tensor) and value.dtype == torch.bool):
        return [torch.logical_not]
    return [torch.zeros_like, lambda number: 1000 * (number.abs() + 1), lambda number: -number]


@contextmanager
def _restored(place: _Place, change: Any = None) -> Iterator[None]:
    """Change a state, and give it its own value back at the end."""
    owner, name, _ = place
    value, kept = getattr(owner, name), _copied(getattr(owner, name))
    try:
        if change is not None and isinstance(value, Tensor):
            value.data.copy_(change(value))
        elif change is not None:
            setattr(owner, name, type(value)(change(torch.tensor(value)).item()))
        yield
    finally:
        if isinstance(value, Tensor):
            value.data.copy_(kept)
        setattr(owner, name, value)


def _places(module: nn.Module) -> Iterator[_Place]:
    """Yield buffers, and attributes that are tensors or numbers."""
    for path, owner in module.named_modules():
        prefix = f"{path}." if path else ""
        for name, value in [*owner._buffers.items(), *vars(owner).items()]:
            if isinstance(value, Tensor | int | float):
                yield owner, name, prefix + name


def _copied(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else value


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.shape == other.shape and torch.equal(one, other)
    return type(one) is type(other) and bool(one == other)
