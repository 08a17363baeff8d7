"""Rank correlation against scipy, ties included."""

import pytest
import torch
from scipy.stats import spearmanr

from tests.toolkit.networks import noise
from workers.toolkit.attribution.rank_correlation import rank_correlation


@pytest.mark.parametrize("levels", [1000, 4, 1.2])  # the fewer levels, the more ties
def test_it_is_scipys(levels: float) -> None:
    one, other = noise(1, 20)[0, 0], noise(1, 20, seed=2)[0, 0]
    one, other = (one * levels).round(), ((other + one) * levels).round()
    assert rank_correlation(one, other) == pytest.approx(
        float(spearmanr(one.flatten(), other.flatten())[0])
    )


def test_only_the_order_counts() -> None:
    values = noise(1, 8)[0, 0]
    assert rank_correlation(values, values.exp()) == pytest.approx(1)
    assert rank_correlation(values, -values) == pytest.approx(-1)


def test_the_correlation_with_a_constant_map_is_not_defined() -> None:
    values = noise(1, 8)[0, 0]
    assert rank_correlation(values, torch.zeros(8, 8)) is None
    assert rank_correlation(torch.ones(8, 8), values) is None
