"""Spearman's rank correlation of two maps."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


def rank_correlation(one: Tensor, other: Tensor) -> float | None:
    """Return the rank correlation, −1..1, of two maps of one shape.

    Return None if one of the maps is constant: its values have no order.
    """
    ranks = np.stack([_mean_ranks(one), _mean_ranks(other)])  # (2, pixels)
    ranks -= ranks.mean(axis=1, keepdims=True)
    lengths = np.sqrt((ranks**2).sum(axis=1))
    if not lengths.all():
        return None
    return float(ranks[0] @ ranks[1] / lengths.prod())


def _mean_ranks(values: Tensor) -> NDArray[np.float64]:
    """Return the rank of each pixel; equal values get the mean of their ranks."""
    flat = values.detach().cpu().numpy().ravel()
    _, which, count = np.unique(flat, return_inverse=True, return_counts=True)
    last = count.cumsum()
    ranks: NDArray[np.float64] = (last - (count - 1) / 2)[which]
    return ranks
