"""The sentence says what the numbers say, the bad news too."""

import pytest

from workers.toolkit.verdict import verdict


def check(deletion: float, insertion: float, correlation: float | None = None) -> dict[str, object]:
    areas = {"deletion_auc": deletion, "random_deletion_auc": 0.41, "insertion_auc": insertion}
    found = {**areas, "random_insertion_auc": 0.41, "deletion": [0.9, 0.2, 0.0]}
    return found if correlation is None else found | {"randomized_correlation": correlation}


def test_a_good_map() -> None:
    assert verdict(check(0.12, 0.7, 0.31)) == (
        "Hiding what the map marks lowers the score faster than hiding as much elsewhere (0.12 against 0.41); "
        "showing it raises the score faster than showing as much elsewhere (0.7 against 0.41); "
        "the map changes with the model's last layer (rank correlation 0.31)."
    )


def test_a_bad_map() -> None:
    said = verdict(check(0.5, 0.2, 0.99))
    assert "more slowly than hiding as much elsewhere (0.5 against 0.41)" in said
    assert "more slowly than showing as much elsewhere (0.2 against 0.41)" in said
    assert "hardly changes when the model's last layer is shuffled" in said


@pytest.mark.parametrize(("deletion", "insertion"), [(0.41, 0.41), (0.40, 0.42), (0.45, 0.37)])
def test_differences_below_a_twentieth_of_the_fall_are_none(deletion: float, insertion: float) -> None:
    said = verdict(check(deletion, insertion, 0.6))
    assert said.count("about as fast as") == 2
    assert "only in part" in said


def test_without_a_gradient_the_layer_is_not_spoken_of() -> None:
    assert "layer" not in verdict(check(0.1, 0.7))
