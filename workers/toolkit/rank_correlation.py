"""Spearman's rank correlation, with mean ranks for equal values."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


def rank_correlation(one: Tensor, other: Tensor) -> float:
    """Of two maps of one shape, −1..1; 0 where one of them is constant."""
    ranks = np.stack([_mean_ranks(one), _mean_ranks(other)])  # (2, pixels)
    ranks -= ranks.mean(axis=1, keepdims=True)
    lengths = np.sqrt((ranks**2).sum(axis=1))
    return float(ranks[0] @ ranks[1] / lengths.prod()) if lengths.all() else 0.0


def _mean_ranks(values: Tensor) -> NDArray[np.float64]:
    flat = values.detach().cpu().numpy().ravel()
    _, which, count = np.unique(flat, return_inverse=True, return_counts=True)
    last = count.cumsum()
    ranks: NDArray[np.float64] = (last - (count - 1) / 2)[which]
    return ranks
