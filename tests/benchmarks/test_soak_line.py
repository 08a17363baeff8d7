"""The line through a series of samples, against numpy's own, and what it calls a leak."""

import numpy as np
import pytest

from benchmarks.soak import Line


def test_slope_and_interval_are_those_of_least_squares() -> None:
    chance = np.random.default_rng(0)
    seconds = np.arange(0, 1200, 10.0)
    values = 300 + 0.01 * seconds + chance.normal(0, 2, len(seconds))
    (slope, _), covariance = np.polyfit(seconds / 3600, values, 1, cov=True)
    line = Line.through(list(seconds), list(values))
    assert line.slope == pytest.approx(slope)
    assert line.error == pytest.approx(1.96 * np.sqrt(covariance[0, 0]))


def test_a_leak_is_distinguished_from_noise() -> None:
    chance = np.random.default_rng(1)
    seconds = np.arange(0, 1000, 10.0)
    noise = chance.normal(0, 3, len(seconds))
    assert not Line.through(list(seconds), list(300 + noise)).above(30)
    assert Line.through(list(seconds), list(300 + noise + seconds * 100 / 3600)).above(30)
