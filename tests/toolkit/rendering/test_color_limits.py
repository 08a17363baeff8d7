"""The limits of a map's colours: where zero lies is the same for every map of a kind."""

import numpy as np
import pytest

from workers.toolkit.rendering.color_limits import color_limits, to_levels
from workers.toolkit.rendering.colormap import LEVELS


def some(*values: float) -> np.ndarray:
    return np.array([values], np.float32)


def test_a_magnitude_begins_at_zero_however_large_its_smallest_value_is() -> None:
    assert color_limits(some(3, 4, 8), "magnitude") == (0, 8)


@pytest.mark.parametrize("values", [(-1, 0, 8), (-8, 0, 1), (-8, -2), (2, 8)])
def test_a_signed_map_has_the_same_limit_on_either_side_of_zero(values: tuple[float, ...]) -> None:
    assert color_limits(some(*values), "signed") == (-8, 8)


def test_a_level_runs_from_its_lowest_to_its_highest_value() -> None:
    assert color_limits(some(-3, 4, 8), "level") == (-3, 8)


@pytest.mark.parametrize("scale", ["magnitude", "signed", "level"])
@pytest.mark.parametrize("tail", [0.0, 0.5, 20.0])
@pytest.mark.parametrize("value", [0.0, -3.5, 1e-30, 1e30])
def test_a_constant_map_has_limits_that_differ(scale: str, tail: float, value: float) -> None:
    values = np.full((4, 4), value, np.float32)
    low, high = color_limits(values, scale, tail)
    assert low < high
    assert np.isfinite(to_levels(values, low, high)).all()


@pytest.mark.parametrize("scale", ["magnitude", "signed", "level"])
def test_the_tail_lies_beyond_but_a_spot_smaller_than_it_does_not_vanish(scale: str) -> None:
    values = np.arange(100, dtype=np.float32)[None]
    assert color_limits(values, scale, 10)[1] == pytest.approx(np.percentile(values, 90))
    spot = np.zeros((20, 20), np.float32)
    spot[3, 4] = 7
    assert color_limits(spot, scale, 0.5)[1] == 7


def test_levels_are_cut_at_both_ends_and_zero_is_the_middle_of_a_signed_map() -> None:
    levels = to_levels(some(-9, -2, -1, 0, 1, 2, 9), -2, 2)
    assert levels.tolist() == [[0, 0, 63.5, 127, 190.5, 254, 254]]
    assert LEVELS == 255
