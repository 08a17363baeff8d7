"""The pace of a search: whether more steps would reach the goal."""

from collections.abc import Sequence
from math import inf

# Of so few steps no pace can be told.
_SHORTEST = 12


def steps_missing(gaps: Sequence[float]) -> float:
    """Return how many more steps would close the gap, at the pace of the last third of the steps.

    `gaps` holds the distance to the goal at every step. Return infinity if the smallest gap has not
    fallen in the last third, and 0 if there are too few steps to tell, or no gap is left.
    """
    if len(gaps) < _SHORTEST:
        return 0.0
    third = len(gaps) // 3
    earlier, smallest = min(gaps[:-third]), min(gaps)
    if smallest <= 0:
        return 0.0
    return smallest * third / (earlier - smallest) if smallest < earlier else inf
