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

from workers.toolkit.execution.context import Context

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
class _Scores:
    """By number; `left` of them are known and have not been asked for yet."""

    values: dict[int, Tensor] = field(default_factory=dict)
    left: int = 0


@dataclass
class _State:
    scores: list[_Scores] = field(default_factory=list)
    sums: list[_Sum] = field(default_factory=list)


class ReplayLog:
    """One run's record; without a context it is none, and everything is computed."""

    def __init__(self, context: Context | None = None) -> None:
        self._context = context
        saved = context.resume() if context else None
        self._known = (_read(saved) if saved else None) or _State()
        self._series = 0
        self._sums: list[_Sum] = []

    @property
    def replaying(self) -> bool:
        """Is what comes next known?"""
        ahead = [known.images for known in self._known.sums]
        done = [one.images for one in self._sums] + [0] * len(ahead)
        return any(one.left for one in self._known.scores) or any(
            a > d for a, d in zip(ahead, done, strict=False)
        )

    def scores(self, function: Function, *, named: bool = False) -> Function:
        """The function (B, …) → (B,), each image asked once.

        A `named` batch (B,) holds numbers of what is asked, which may come in another order each time; else a batch is
        images in the order of the work.
        """
        while len(self._known.scores) <= self._series:
            self._known.scores.append(_Scores())
        held, asked = self._known.scores[self._series], 0
        self._series += 1

        def recorded(batch: Tensor) -> Tensor:
            nonlocal asked
            keys = batch.tolist() if named else range(asked, asked + len(batch))
            asked += len(batch)
            if all(key in held.values for key in keys):
                held.left = max(held.left - len(batch), 0)
                found = torch.stack([held.values[key] for key in keys]).to(batch.device)
            else:
                held.left = 0
                found = function(batch)
                held.values.update(zip(keys, found.detach().cpu(), strict=True))
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
        scores = [
            [torch.tensor(list(one.values)), torch.stack(list(one.values.values()))]
            for one in self._known.scores
            if one.values
        ]
        sums = [[one.images, one.batch, one.total.cpu()] for one in self._sums]
        buffer = io.BytesIO()
        torch.save({"format": _FORMAT, "scores": scores, "sums": sums}, buffer)
        return buffer.getvalue()


def _read(saved: bytes) -> _State | None:
    """None for what was written by another version, or is damaged: then the work begins anew."""
    try:
        values: dict[str, Any] = torch.load(
            io.BytesIO(saved), map_location="cpu", weights_only=True
        )
        if values["format"] != _FORMAT:
            raise ValueError("another format")
        scores = [dict(zip(keys.tolist(), found, strict=True)) for keys, found in values["scores"]]
        return _State(
            [_Scores(one, len(one)) for one in scores], [_Sum(*one) for one in values["sums"]]
        )
    except Exception:  # torch raises whatever it likes at damaged files
        log.warning("the checkpoint cannot be used; beginning anew", exc_info=True)
        return None
