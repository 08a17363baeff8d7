"""How many steps a search still needs, on sequences with a known end."""

from math import inf

import pytest

from workers.toolkit.optimization.pace import steps_missing


def test_a_gap_that_falls_by_one_a_step_needs_as_many_steps() -> None:
    assert steps_missing([float(100 - i) for i in range(30)]) == pytest.approx(71)


def test_a_gap_that_does_not_fall_needs_infinitely_many() -> None:
    assert steps_missing([5.0] * 30) == inf
    assert steps_missing([9.0, *[5.0, 6.0] * 15]) == inf


def test_of_few_steps_or_without_a_gap_nothing_is_missing() -> None:
    assert steps_missing([5.0] * 5) == 0
    assert steps_missing([]) == 0
    assert steps_missing([3.0 - i for i in range(20)]) == 0
