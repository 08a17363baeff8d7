"""Every colour of the catalog is matplotlib's, and none looks like what was not measured."""

from typing import get_args

import numpy as np
import pytest
from matplotlib import colormaps

from catalog.colormaps import DIVERGING, REVERSED, SEQUENTIAL, Colormap
from workers.toolkit.rendering.colormap import LEVELS, OUTSIDE, OUTSIDE_COLOR, color_table

NAMES = get_args(Colormap)
every_name = pytest.mark.parametrize("name", NAMES)


def test_each_can_be_reversed() -> None:
    assert {*NAMES} == {*SEQUENTIAL, *DIVERGING, *REVERSED}
    assert {*REVERSED} == {f"{name}_r" for name in (*SEQUENTIAL, *DIVERGING)}


@every_name
def test_the_colour_of_a_level_is_that_of_matplotlib(name: str) -> None:
    table = color_table(name)
    for level in range(LEVELS):
        expected = colormaps[name](level / (LEVELS - 1), bytes=True)[:3]
        assert table[level].tolist() == [int(part) for part in expected]
    assert table[OUTSIDE].tolist() == list(OUTSIDE_COLOR)


@every_name
def test_no_value_has_a_colour_near_that_of_the_outside(name: str) -> None:
    distance = np.abs(color_table(name)[:LEVELS].astype(int) - OUTSIDE_COLOR).max(1)
    assert distance.min() >= 25


@pytest.mark.parametrize("name", ["inferno", "viridis", "magma", "plasma", "cividis"])
def test_the_first_sequential_ones_become_lighter_all_the_way(name: str) -> None:
    lightness = color_table(name)[:LEVELS] @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(lightness[::8]) > 0).all()


@pytest.mark.parametrize("name", [*DIVERGING, *(f"{name}_r" for name in DIVERGING)])
def test_the_middle_of_a_diverging_one_is_the_lightest(name: str) -> None:
    lightness = color_table(name)[:LEVELS] @ np.array([0.2126, 0.7152, 0.0722])
    assert abs(int(lightness.argmax()) - LEVELS // 2) <= LEVELS // 10
