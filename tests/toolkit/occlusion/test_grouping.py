"""Groups by their cost, against all that are possible."""

from itertools import product

import numpy as np

from workers.toolkit.occlusion.grouping import merge_groups


def cost(costs: np.ndarray, counts: np.ndarray, groups: np.ndarray) -> float:
    return sum(
        counts[groups == g].sum() * costs[groups == g].max(0).sum() for g in np.unique(groups)
    )


def test_groups_cost_little_more_than_the_best_of_all() -> None:
    generator = np.random.default_rng(0)
    for _ in range(20):
        costs, counts = generator.random((7, 3)), generator.integers(1, 4, 7)
        best = min(cost(costs, counts, np.array(groups)) for groups in product(range(3), repeat=7))
        ours = merge_groups(costs, counts, 3)
        assert len(np.unique(ours)) == 3
        assert cost(costs, counts, ours) <= 1.15 * best


def test_what_costs_the_same_is_together() -> None:
    costs = np.array([[1.0, 5.0], [3.0, 3.0]] * 6)
    assert merge_groups(costs, np.ones(12, dtype=np.int64), 2).tolist() == [0, 1] * 6


def test_many_are_put_together_first() -> None:
    costs = np.random.default_rng(0).random((1000, 2))
    groups = merge_groups(costs, np.ones(1000, dtype=np.int64), 8)
    assert sorted(np.unique(groups)) == list(range(8))
