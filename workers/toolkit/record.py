"""What was computed so far, batch by batch, so that another process goes on from there.

The work is done in the same order each time; what the checkpoint holds of it is handed out again, not computed.
"""

import io
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from workers.toolkit.context import Context

log = logging.getLogger(__name__)

_FORMAT = 1  # of the checkpoint; another number where the same calls would mean something else

Function = Callable[[Tensor], Tensor]


@dataclass
class _Sum:
    """Of the results for `images` images, in batches of `batch`."""

    images: int = 0
    batch: int = 0
    total: Tensor = field(default_factory=lambda: torch.zeros(()))


@dataclass
class _State:
    scores: Tensor = field(default_factory=lambda: torch.zeros(0))  # (images,), on the CPU
    sums: list[_Sum] = field(default_factory=list)


class Record:
    """One run's record; without a context it is none, and everything is computed."""

    def __init__(self, context: Context | None = None) -> None:
        self._context = context
        saved = context.resume() if context else None
        self._known = (_read(saved) if saved else None) or _State()
        self._scores: list[Tensor] = []
        self._scored = 0
        self._sums: list[_Sum] = []

    @property
    def replaying(self) -> bool:
        """Is what comes next known?"""
        ahead = [known.images for known in self._known.sums]
        done = [one.images for one in self._sums] + [0] * len(ahead)
        return self._scored < len(self._known.scores) or any(a > d for a, d in zip(ahead, done, strict=False))

    def scores(self, function: Function) -> Function:
        """The function (B, …) → (B,), each image asked once."""

        def recorded(batch: Tensor) -> Tensor:
            end = self._scored + len(batch)
            if end > len(self._known.scores):
                self._known.scores = self._known.scores[: self._scored]
                found = function(batch)
            else:
                found = self._known.scores[self._scored : end].to(batch.device)
            self._scores.append(found.detach().cpu())
            self._scored = end
            self._keep()
            return found

        return recorded

    def summed(self, function: Function) -> Function:
        """The sum over the batch of (B, …) → (B, …), for results that are only ever added up, in this order."""
        number, mine = len(self._sums), _Sum()
        self._sums.append(mine)

        def recorded(batch: Tensor) -> Tensor:
            known = self._known.sums[number] if number < len(self._known.sums) else _Sum()
            if not mine.batch:
                mine.batch = len(batch)
            if known.batch != mine.batch:  # it would end in the middle of a batch
                known.images = 0
            mine.images += len(batch)
            if mine.images > known.images:
                part = function(batch).detach().sum(0)
            else:
                last = mine.images == known.images
                part = (known.total if last else torch.zeros(())).to(batch.device)
            mine.total = mine.total.to(batch.device) + part
            self._keep()
            return part

        return recorded

    def _keep(self) -> None:
        if self._context and not self.replaying:
            self._context.checkpoint(self._written)

    def _written(self) -> bytes:
        scores = torch.cat(self._scores) if self._scores else torch.zeros(0)
        sums = [[one.images, one.batch, one.total.cpu()] for one in self._sums]
        buffer = io.BytesIO()
        torch.save({"format": _FORMAT, "scores": scores, "sums": sums}, buffer)
        return buffer.getvalue()


def _read(saved: bytes) -> _State | None:
    """None for what was written by another version, or is damaged: then the work begins anew."""
    try:
        values: dict[str, Any] = torch.load(io.BytesIO(saved), map_location="cpu", weights_only=True)
        if values["format"] != _FORMAT:
            raise ValueError("another format")
        return _State(values["scores"], [_Sum(*one) for one in values["sums"]])
    except Exception:  # torch raises whatever it likes at damaged files
        log.warning("the checkpoint cannot be used; beginning anew", exc_info=True)
        return None
