"""A log of results, batch by batch, from which another process continues the work.

The work is done in the same order each time. Results that the checkpoint holds are returned again
and not computed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from workers.toolkit.execution import checkpoint
from workers.toolkit.execution.batch_runner import BatchRunner
from workers.toolkit.execution.context import Context

_FORMAT = 1  # of the checkpoint; it changes when the same calls mean something else


@dataclass
class _Scores:
    """Scores by key; `left` of them are known and have not been requested yet."""

    values: dict[int, Tensor] = field(default_factory=dict)
    left: int = 0


@dataclass
class _Sum:
    """The sum of the results for `images` images, in batches of `batch`."""

    images: int = 0
    batch: int = 0
    total: Tensor = field(default_factory=lambda: torch.zeros(()))


@dataclass
class _State:
    scores: list[_Scores] = field(default_factory=list)
    sums: list[_Sum] = field(default_factory=list)


class ReplayLog:
    """The log of one run. Without a context nothing is saved, and everything is computed."""

    def __init__(self, context: Context | None = None) -> None:
        self._context = context
        saved = context.resume() if context else None
        self._known = (checkpoint.load(saved, _parse, _FORMAT) if saved else None) or _State()
        self._score_series = 0
        self._sums: list[_Sum] = []

    @property
    def replaying(self) -> bool:
        """Whether the next result is known."""
        ahead = [known.images for known in self._known.sums]
        done = [one.images for one in self._sums] + [0] * len(ahead)
        return any(one.left for one in self._known.scores) or any(
            a > d for a, d in zip(ahead, done, strict=False)
        )

    def score_series(self, *, by_key: bool = False) -> "ScoreSeries":
        """Begin the next series of scores, for a function (B, …) → (B,).

        With `by_key`, a batch (B,) holds integer keys, which another process may request in
        another order. Otherwise a batch holds images in the order of the work.
        """
        while len(self._known.scores) <= self._score_series:
            self._known.scores.append(_Scores())
        scores = self._known.scores[self._score_series]
        self._score_series += 1
        return ScoreSeries(self, scores, by_key)

    def sum_series(self) -> "SumSeries":
        """Begin the next series of sums, for a function (B, …) → (B, …)."""
        number, total = len(self._sums), _Sum()
        self._sums.append(total)
        known = self._known.sums[number] if number < len(self._known.sums) else _Sum()
        return SumSeries(self, known, total)

    def scores(
        self, function: Callable[[Tensor], Tensor], *, named: bool = False
    ) -> Callable[[Tensor], Tensor]:
        """Delegate to BatchRunner."""
        return BatchRunner(function, series=self.score_series(by_key=named)).run

    def summed(self, function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        """Delegate to BatchRunner."""
        return BatchRunner(function, series=self.sum_series()).run

    def save(self) -> None:
        """Offer the context a checkpoint, unless results are still being replayed."""
        if self._context and not self.replaying:
            self._context.checkpoint(self._dump)

    def _dump(self) -> bytes:
        scores = [
            [torch.tensor(list(one.values)), torch.stack(list(one.values.values()))]
            for one in self._known.scores
            if one.values
        ]
        sums = [[one.images, one.batch, one.total.cpu()] for one in self._sums]
        return checkpoint.dump({"scores": scores, "sums": sums}, _FORMAT)


class ScoreSeries:
    """Scores of which each is computed once: a batch (B, …) has the result (B,)."""

    def __init__(self, log: ReplayLog, scores: _Scores, by_key: bool) -> None:
        self._log, self._scores, self._by_key = log, scores, by_key
        self._requested = 0
        self._keys: Iterable[int] = ()

    def recall(self, batch: Tensor) -> Tensor | None:
        """Return the scores (B,) of the next batch, or None if any of them is not known."""
        first = self._requested
        self._requested += len(batch)
        self._keys = batch.tolist() if self._by_key else range(first, self._requested)
        known = self._scores.values
        if not all(key in known for key in self._keys):
            self._scores.left = 0
            return None
        self._scores.left = max(self._scores.left - len(batch), 0)
        found = torch.stack([known[key] for key in self._keys]).to(batch.device)
        self._log.save()
        return found

    def record(self, batch: Tensor, results: Tensor) -> Tensor:
        """Record the scores (B,) of the batch that was not recalled, and return them."""
        self._scores.values.update(zip(self._keys, results.detach().cpu(), strict=True))
        self._log.save()
        return results


class SumSeries:
    """Results that are only ever added up, in this order: a batch has the sum of (B, …) over B.

    A sum that is known is not divided among its batches. It is the result for the last batch that
    it covers, and zero is the result for those before.
    """

    def __init__(self, log: ReplayLog, known: _Sum, total: _Sum) -> None:
        self._log, self._known, self._sum = log, known, total

    def recall(self, batch: Tensor) -> Tensor | None:
        """Return the part of the known sum that stands for the next batch, or None."""
        known, total = self._known, self._sum
        if not total.batch:
            total.batch = len(batch)
        if known.batch != total.batch:  # the known sum would end in the middle of a batch
            known.images = 0
        total.images += len(batch)
        if total.images > known.images:
            return None
        part = known.total if total.images == known.images else torch.zeros(())
        return self._add(part.to(batch.device))

    def record(self, batch: Tensor, results: Tensor) -> Tensor:
        """Record the results (B, …) of the batch that was not recalled, and return their sum."""
        return self._add(results.detach().sum(0))

    def _add(self, part: Tensor) -> Tensor:
        self._sum.total = self._sum.total.to(part.device) + part
        self._log.save()
        return part


def _parse(values: dict[str, Any]) -> _State:
    scores = [dict(zip(keys.tolist(), found, strict=True)) for keys, found in values["scores"]]
    return _State(
        [_Scores(one, len(one)) for one in scores], [_Sum(*one) for one in values["sums"]]
    )
