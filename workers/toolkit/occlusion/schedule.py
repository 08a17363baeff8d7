"""The batches of positions: which positions share one window size in every map."""

from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray
from torch import fx

from workers.toolkit.occlusion.cost import Cost
from workers.toolkit.occlusion.grouping import merge_groups
from workers.toolkit.occlusion.plan import Plan
from workers.toolkit.occlusion.types import WHOLE_MAP_SHARE, NodeValues, Positions

Groups = tuple[NDArray[np.int64], NDArray[np.int64]]
"""The group of every distinct row span, and that of every distinct column span."""

# Numbers of groups to try, of rows and of columns alike.
_GROUPS = (1, 2, 3, 4, 6, 8, 11, 14)
# Multiplications that could be done while the operators of one batch are started, and while it
# reads one weight.
_START_OF_BATCH, _READ_WEIGHT = 5e8, 30.0


class Schedule:
    """Batches of at most `most` positions whose spans are about equally long.

    Positions of one batch have one window size in every map, so that little more is computed
    than what changes.
    """

    def __init__(self, plan: Plan, clean: NodeValues, most: int) -> None:
        self._plan, self.most = plan, most
        self._cost = Cost(plan, clean)
        options = [
            self._batches((self._groups(0, groups), self._groups(1, groups))) for groups in _GROUPS
        ]
        start = _START_OF_BATCH + _READ_WEIGHT * self._cost.weights
        costs = [self._estimate(batches) + start * len(batches) for batches in options]
        self.batches: list[Positions] = options[int(np.argmin(costs))]

    @cached_property
    def speedup(self) -> float:
        """Multiplications for whole images over those of this schedule."""
        plain = sum(self._cost.whole.values()) * sum(len(batch) for batch in self.batches)
        spent = sum(
            len(batch) * self._cost.per_position(self._plan.places(batch)) for batch in self.batches
        )
        return plain / spent if spent else 1.0

    def _estimate(self, batches: list[Positions]) -> float:
        """Return nearly the cost of all batches: each position is taken to have its own window."""
        rows, columns = self._lengths
        spent = 0.0
        for batch in batches:
            down = rows[:, self._plan.row_of[batch]].max(1, initial=0)
            across = columns[:, self._plan.column_of[batch]].max(1, initial=0)
            shares = down * across  # of every map
            computed = np.where(shares > WHOLE_MAP_SHARE, 1.0, shares)
            spent += len(batch) * float((self._costs * computed).sum())
        return spent

    def _batches(self, groups: Groups) -> list[Positions]:
        row_of, column_of = groups[0][self._plan.row_of], groups[1][self._plan.column_of]
        found = []
        for row, column in product(range(groups[0].max() + 1), range(groups[1].max() + 1)):
            positions = np.flatnonzero((row_of == row) & (column_of == column))
            if len(positions):
                found += np.array_split(positions, -(-len(positions) // self.most))
        return found

    def _groups(self, axis: int, groups: int) -> NDArray[np.int64]:
        """Return the group of every distinct span of that axis."""
        counts = np.bincount((self._plan.row_of, self._plan.column_of)[axis])
        weights = self._costs * self._lengths[1 - axis].mean(1)
        return merge_groups((self._lengths[axis] * weights[:, None]).T, counts, groups)

    @cached_property
    def _counted(self) -> list[fx.Node]:
        """The operators that have a rule and multiply."""
        return [node for node, rule in self._plan.rules.items() if rule.multiplications]

    @cached_property
    def _costs(self) -> NDArray[np.float64]:
        """The multiplications of each counted operator for one whole image."""
        return np.array([self._cost.whole[node] for node in self._counted])

    @cached_property
    def _lengths(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The share of the axis that changes, of rows and of columns: (operators, spans)."""
        changes = [self._plan.changes[node] for node in self._counted]
        rows = np.array([_length(change.spans[0], change.height) for change in changes])
        columns = np.array([_length(change.spans[1], change.width) for change in changes])
        distinct = int(self._plan.row_of.max()) + 1, int(self._plan.column_of.max()) + 1
        return rows.reshape(len(changes), distinct[0]), columns.reshape(len(changes), distinct[1])


def _length(spans: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    """Return the length of each span (n, 2) as a share of the axis."""
    shares = spans / size
    lengths: NDArray[np.float64] = shares[:, 1] - shares[:, 0]
    return lengths
