"""Which positions share a batch, and so one window size in every map: those whose spans are about as long."""

from collections.abc import Sequence
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, fx

from workers.toolkit.occlusion.cost import Cost
from workers.toolkit.occlusion.grouping import merged
from workers.toolkit.occlusion.plan import COVERED, Plan
from workers.toolkit.occlusion.rules import Values

Positions = NDArray[np.int64]
Groups = tuple[
    NDArray[np.int64], NDArray[np.int64]
]  # of every distinct row span, of every distinct column span

_GROUPS = (1, 2, 3, 4, 6, 8, 11, 14)  # of rows, and as many of columns
# Multiplications that could be done while the operators of one batch are started, and while it reads one weight.
_START_OF_BATCH, _READ_WEIGHT = 5e8, 30.0


class Schedule:
    """Batches of at most `most` positions, put together so that little more than what changes is computed."""

    def __init__(self, plan: Plan, clean: Values, most: int) -> None:
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
        """Multiplications of plain batches over those of this schedule."""
        plain = sum(self._cost.whole.values()) * sum(len(batch) for batch in self.batches)
        spent = sum(
            len(batch) * self._cost.each(self._plan.places(batch)) for batch in self.batches
        )
        return plain / spent if spent else 1.0

    def _estimate(self, batches: list[Positions]) -> float:
        """Nearly the sum of what all batches spend: as if every window were its own."""
        rows, columns = self._lengths
        spent = 0.0
        for batch in batches:
            down = rows[:, self._plan.row_of[batch]].max(1, initial=0)
            across = columns[:, self._plan.column_of[batch]].max(1, initial=0)
            shares = down * across  # of every map
            spent += len(batch) * float(
                (self._costs * np.where(shares > COVERED, 1.0, shares)).sum()
            )
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
        """The group of every distinct span of that axis."""
        counts = np.bincount((self._plan.row_of, self._plan.column_of)[axis])
        weights = self._costs * self._lengths[1 - axis].mean(1)
        return merged((self._lengths[axis] * weights[:, None]).T, counts, groups)

    @cached_property
    def _counted(self) -> list[fx.Node]:
        """The operators that have a rule and multiply."""
        return [node for node, rule in self._plan.rules.items() if rule.multiplications]

    @cached_property
    def _costs(self) -> NDArray[np.float64]:
        return np.array([self._cost.whole[node] for node in self._counted])

    @cached_property
    def _lengths(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(operators, distinct spans) of rows and of columns: the part of the axis that changes."""
        reaches = [self._plan.reach[node] for node in self._counted]
        spans = [
            [reach.spans[axis] / (reach.height, reach.width)[axis] for reach in reaches]
            for axis in (0, 1)
        ]
        rows, columns = (np.array([span[:, 1] - span[:, 0] for span in axis]) for axis in spans)
        distinct = int(self._plan.row_of.max()) + 1, int(self._plan.column_of.max()) + 1
        return rows.reshape(len(reaches), distinct[0]), columns.reshape(len(reaches), distinct[1])


_AT_ONCE = 4  # of the largest tensor: an operator's input, what is cut out of it, its output, and a branch beside it


def position_bytes(plan: Plan, clean: Values, batches: Sequence[Positions]) -> int:
    """For each position of the batch that takes most: the windows of all maps stay, whole maps come and go."""
    return max(_bytes(plan, clean, batch) for batch in batches)


def _bytes(plan: Plan, clean: Values, batch: Positions) -> int:
    places = plan.places(batch)
    pasted = {
        source for node in plan.nodes if node not in places for source in node.all_input_nodes
    } | {plan.output}
    kept, largest = 0, 0
    for node in [plan.image, *plan.nodes]:
        value = clean[node]
        if not isinstance(value, Tensor):
            continue
        whole = value.numel() * value.element_size()
        if node in places and node in plan.reach:
            kept += whole * places[node].area // (value.shape[2] * value.shape[3])
        if node in pasted or node not in places:
            largest = max(largest, whole)
    return kept + _AT_ONCE * largest
