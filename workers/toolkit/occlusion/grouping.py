"""Grouping of items such that a group costs as much per member as its most expensive member.

The cost of a group is taken operator by operator: for each of them, the largest cost of a member
counts for all members.
"""

import numpy as np
from numpy.typing import NDArray

# Groups to begin with: the work grows with the cube of their number.
_MOST = 160


def merge_groups(
    costs: NDArray[np.float64], counts: NDArray[np.int64], groups: int
) -> NDArray[np.int64]:
    """Return the group number of each item, for at most `groups` groups of small total cost.

    `costs` is (items, operators), and `counts` says how often each item occurs. The total is
    Σ over groups of (members · Σ over operators of the largest cost). Pairs of groups are merged,
    each time the pair that adds the least cost.
    """
    group_of = _initial_groups(costs)
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


def _initial_groups(costs: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return a group per item or, if there are many, groups of items of about the same cost."""
    ranks = costs.sum(1).argsort(kind="stable").argsort(kind="stable")
    groups: NDArray[np.int64] = ranks * min(len(costs), _MOST) // len(costs)
    return groups


def _losses(
    largest: NDArray[np.float64], members: NDArray[np.float64], group: int
) -> NDArray[np.float64]:
    """Return what merging with each other group would add; infinite for the group itself."""
    alone = members * largest.sum(1)
    together = (members + members[group]) * np.maximum(largest, largest[group]).sum(1)
    lost: NDArray[np.float64] = together - alone - alone[group]
    lost[group] = np.inf
    return lost
