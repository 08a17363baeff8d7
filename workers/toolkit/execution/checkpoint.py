"""Checkpoints as bytes: values of tensors and plain types, with a format and, if given, a plan.

A checkpoint is only valid for work of the same format and plan. The format changes when the same
fields mean something else. The plan is the length of each stage of the work.
"""

import io
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import torch

log = logging.getLogger(__name__)

T = TypeVar("T")


def dump(values: Mapping[str, Any], format_: int, plan: Sequence[int] | None = None) -> bytes:
    """Return a checkpoint that holds the values, none of which is named `format` or `plan`."""
    buffer = io.BytesIO()
    torch.save({**values, **_header(format_, plan)}, buffer)
    return buffer.getvalue()


def load(
    data: bytes,
    parse: Callable[[dict[str, Any]], T],
    format_: int,
    plan: Sequence[int] | None = None,
) -> T | None:
    """Return what `parse` makes of the values, with their tensors on the CPU.

    Return None if the checkpoint has another format or plan, is damaged, or cannot be parsed: the
    work then begins anew. Nothing in the checkpoint is executed.
    """
    try:
        values: dict[str, Any] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        for name, expected in _header(format_, plan).items():
            if values.pop(name) != expected:
                raise ValueError(f"another {name}")
        return parse(values)
    except Exception:  # torch raises errors of any class for damaged files
        log.warning("the checkpoint cannot be used; beginning anew", exc_info=True)
        return None


def _header(format_: int, plan: Sequence[int] | None) -> dict[str, Any]:
    """Return what identifies the work; with a plan, each of its entries carries the format."""
    if plan is None:
        return {"format": format_}
    return {"plan": [[format_, length] for length in plan]}
