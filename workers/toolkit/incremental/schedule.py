"""Which positions share a batch, and so one window size in every map: those whose spans are about as long."""

from collections.abc import Sequence
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, fx

from workers.toolkit.graph import operator_name
from workers.toolkit.incremental.grouping import merged
from workers.toolkit.incremental.plan import Places, Plan
from workers.toolkit.incremental.rules import Values

Positions = NDArray[np.int64]

_GROUPS = (1, 2, 3, 4, 6, 8, 11, 14)  # of rows, and of columns
_START_OF_BATCH = 5e8  # multiplications that could be done while the operators of one batch are started


class Schedule:
    """Batches of at most `most` positions, put together so that little more than what changes is computed."""

    def __init__(self, plan: Plan, clean: Values, most: int) -> None:
        self._plan, self.most = plan, most
        self._whole = {node: _multiplications(node, plan, clean) for node in plan.nodes}
        options = [self._batches(groups, most) for groups in _GROUPS]
        costs = [self._spent(batches) + _START_OF_BATCH * len(batches) for batches in options]
        self.batches: list[Positions] = options[int(np.argmin(costs))]

    @cached_property
    def speedup(self) -> float:
        """Multiplications of plain batches over those of this schedule."""
        plain = sum(self._whole.values()) * sum(len(batch) for batch in self.batches)
        return plain / spent if (spent := self._spent(self.batches)) else 1.0

    def _spent(self, batches: Sequence[Positions]) -> float:
        return sum(len(batch) * self._each(self._plan.places(batch)) for batch in batches)

    def _each(self, places: Places) -> float:
        """Multiplications for one position of a batch."""
        shares = {node: place.rows.size * place.columns.size for node, place in places.items()}
        return sum(
            self._plan.rules[node].multiplications * shares[node] if node in shares else whole
            for node, whole in self._whole.items()
        )

    def _batches(self, groups: int, most: int) -> list[Positions]:
        rows, columns = (self._groups(axis, groups) for axis in (0, 1))
        row_of, column_of = rows[self._plan.row_of], columns[self._plan.column_of]
        found = []
        for row, column in product(range(groups), range(groups)):
            positions = np.flatnonzero((row_of == row) & (column_of == column))
            if len(positions):
                found += np.array_split(positions, -(-len(positions) // most))
        return found

    def _groups(self, axis: int, groups: int) -> NDArray[np.int64]:
        """The group of every distinct span of that axis."""
        of = (self._plan.row_of, self._plan.column_of)[axis]
        lengths, weights = [], []
        for node, rule in self._plan.rules.items():
            if rule.multiplications:
                spans = self._plan.reach[node].spans
                lengths.append(spans[axis][:, 1] - spans[axis][:, 0])
                weights.append(rule.multiplications * float((spans[1 - axis][:, 1] - spans[1 - axis][:, 0]).mean()))
        if not lengths:
            return np.arange(int(of.max()) + 1) % groups
        return merged(np.array(lengths).T * np.array(weights), np.bincount(of), groups)


def _multiplications(node: fx.Node, plan: Plan, clean: Values) -> float:
    """For one image; those of convolutions and matrix products only."""
    output, weight = clean[node], (clean.get(argument) for argument in node.args[1:2] if isinstance(argument, fx.Node))
    if node in plan.rules and isinstance(output, Tensor) and output.ndim == 4:
        return plan.rules[node].multiplications * output.shape[2] * output.shape[3]
    if operator_name(node) in ("linear", "conv2d", "matmul"):
        factor = next(weight, None)
        if isinstance(factor, Tensor) and isinstance(output, Tensor):
            return output.numel() * factor[0].numel()
    return 0.0
