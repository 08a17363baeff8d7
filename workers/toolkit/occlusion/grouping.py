"""Putting things into a few groups, each of which costs as much per member as its cost_advice member in every respect."""

import numpy as np
from numpy.typing import NDArray

_MOST = 160  # groups to begin with: the work grows with the cube


def merged(costs: NDArray[np.float64], counts: NDArray[np.int64], groups: int) -> NDArray[np.int64]:
    """Group number of each item, such that Σ over groups of (members · Σ over respects of the largest cost) is small.

    `costs` is (items, respects), `counts` how often each item occurs. Pairs of groups are merged, at each step the pair
    that loses least by it, until few enough are left.
    """
    group_of = _first_groups(costs)
    alive = list(range(int(group_of.max()) + 1))
    largest = np.array([costs[group_of == group].max(0) for group in alive])
    members = np.array([counts[group_of == group].sum() for group in alive], dtype=np.float64)
    losses = np.array([_losses(largest, members, group) for group in alive])
    while len(alive) > groups:
        one, other = np.unravel_index(int(losses.argmin()), losses.shape)
        alive.remove(int(other))
        group_of[group_of == other] = one
        largest[one] = np.maximum(largest[one], largest[other])
        members[one] += members[other]
        losses[other, :] = losses[:, other] = np.inf
        kept = np.full(len(losses), np.inf)
        kept[alive] = _losses(largest, members, int(one))[alive]
        losses[one, :] = losses[:, one] = kept
    numbered: NDArray[np.int64] = np.unique(group_of, return_inverse=True)[1]
    return numbered


def _first_groups(costs: NDArray[np.float64]) -> NDArray[np.int64]:
    """Every item for itself, or, if they are many, those that cost about the same together."""
    ranks = costs.sum(1).argsort(kind="stable").argsort(kind="stable")
    groups: NDArray[np.int64] = ranks * min(len(costs), _MOST) // len(costs)
    return groups


def _losses(
    largest: NDArray[np.float64], members: NDArray[np.float64], group: int
) -> NDArray[np.float64]:
    """What merging with each other group would cost; infinite for itself."""
    alone = members * largest.sum(1)
    together = (members + members[group]) * np.maximum(largest, largest[group]).sum(1)
    lost: NDArray[np.float64] = together - alone - alone[group]
    lost[group] = np.inf
    return lost
