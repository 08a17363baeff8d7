"""The verdict says what the numbers say, bad news included."""

from dataclasses import replace

import pytest

from workers.toolkit.attribution.deletion_insertion import DeletionInsertion
from workers.toolkit.attribution.faithfulness import Randomization, verdict


def curves(deletion: float, insertion: float) -> DeletionInsertion:
    return DeletionInsertion(
        fractions=[],
        deletion=[0.9, 0.2, 0.0],
        deletion_auc=deletion,
        random_deletion=[],
        random_deletion_auc=0.41,
        insertion=[0.0, 0.9],
        insertion_auc=insertion,
        random_insertion=[],
        random_insertion_auc=0.41,
    )


def said_of(deletion: float, insertion: float, correlation: float | None = None) -> str:
    randomization = None if correlation is None else Randomization("head.weight", correlation)
    return verdict(curves(deletion, insertion), "probability", randomization)


def test_a_good_map() -> None:
    assert said_of(0.12, 0.7, 0.31) == (
        "Hiding what the map marks lowers the score faster than hiding as much elsewhere "
        "(0.12 against 0.41); "
        "showing it raises the score faster than showing as much elsewhere (0.7 against 0.41); "
        "the map changes with the last weights before the target (rank correlation 0.31)."
    )


def test_a_bad_map() -> None:
    said = said_of(0.5, 0.2, 0.99)
    assert "more slowly than hiding as much elsewhere (0.5 against 0.41)" in said
    assert "more slowly than showing as much elsewhere (0.2 against 0.41)" in said
    assert "hardly changes when the last weights before the target are shuffled" in said


@pytest.mark.parametrize(("deletion", "insertion"), [(0.41, 0.41), (0.40, 0.42), (0.45, 0.37)])
def test_differences_below_a_twentieth_of_the_fall_are_none(
    deletion: float, insertion: float
) -> None:
    said = said_of(deletion, insertion, 0.6)
    assert said.count("about as fast as") == 2
    assert "only in part" in said


def test_without_a_gradient_the_layer_is_not_spoken_of() -> None:
    assert "layer" not in said_of(0.1, 0.7)


def test_without_a_correlation_no_change_is_claimed() -> None:
    said = verdict(curves(0.1, 0.7), "probability", Randomization("head.weight", None))
    assert "one of the two maps is the same everywhere, so they cannot be compared" in said
    assert "rank correlation" not in said


def test_where_there_is_nothing_to_lose_it_says_so() -> None:
    found = replace(curves(0.00012, 0.0001), deletion=[4e-6, 0.001], insertion=[1e-4, 4e-6])
    assert verdict(found, "probability") == (
        "The model gives this class 4e-06 at first, so there is nothing to lose and hiding says "
        "nothing; "
        "nor does showing."
    )
    said = verdict(found, "activation")
    assert said.startswith(
        "Without the image the score is no lower (0.001 against 4e-06), so hiding says nothing"
    )


def test_where_the_blurred_image_has_the_score_it_says_so() -> None:
    blurred = replace(curves(0.12, 0.99), insertion=[0.98, 1.0])
    said = verdict(blurred, "probability")
    assert "the blurred image has the score already (0.98 of 1), so showing says nothing" in said
