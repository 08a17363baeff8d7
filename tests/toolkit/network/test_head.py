"""Probabilities, the first class and the places of a class, in closed form for each head."""

from math import exp

import pytest
import torch
from torch import Tensor

from workers.toolkit.network.head import Head
from workers.toolkit.network.unit import Unit

LOGITS = torch.tensor([[1.0, -1.0, 0.5]])


def sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x))


@pytest.mark.parametrize(
    ("name", "expected", "score"),
    [
        ("softmax", [exp(x) / (exp(1) + exp(-1) + exp(0.5)) for x in (1, -1, 0.5)], "logit"),
        ("sigmoid", [sigmoid(1), sigmoid(-1), sigmoid(0.5)], "logit"),
        ("none", [1.0, -1.0, 0.5], "probability"),
        ("raw", None, "output"),
    ],
)
def test_the_head_says_what_a_probability_is(
    name: str, expected: list[float] | None, score: str
) -> None:
    head = Head(name)
    found = head.probabilities(LOGITS)
    assert (found is None) == (expected is None) == (not head.has_probability)
    if found is not None:
        assert found[0].tolist() == pytest.approx(expected, rel=1e-6)
    assert head.score == score
    assert head.first(LOGITS) == 0


def test_one_logit_has_a_probability_of_its_own_and_not_one() -> None:
    logit = torch.tensor([[-1.1217]])
    (probability,) = Head("sigmoid").probabilities(logit).flatten().tolist()
    assert probability == pytest.approx(sigmoid(-1.1217), rel=1e-6)
    assert Head("sigmoid").first(logit) == 0


# Three classes at 2 × 3 places. Class 0 is first at two of them, class 1 at four, class 2 nowhere.
DENSE = torch.tensor(
    [
        [[5.0, 4.0, 0.0], [0.0, 0.0, 0.0]],
        [[1.0, 1.0, 2.0], [3.0, 1.0, 1.0]],
        [[0.0, 0.0, 1.0], [2.0, 0.0, -6.0]],
    ]
)[None]


def mean(values: Tensor) -> float:
    return float(values.double().mean())


def test_the_score_of_a_dense_class_is_the_mean_over_the_places_where_it_is_first() -> None:
    head = Head("softmax", dense=True)
    assert head.first(DENSE) == 1  # at most places, though class 0 has the highest mean
    assert head.shares(DENSE).tolist() == pytest.approx([2 / 6, 4 / 6, 0])
    places = [head.places(DENSE, index) for index in range(3)]
    assert [place.chosen for place in places] == ["first", "first", "nowhere_first"]
    assert [place.count for place in places] == [2, 4, 6]
    scores = [float(Unit("", i, places=place).read(DENSE)) for i, place in enumerate(places)]
    assert scores == pytest.approx([4.5, 7 / 4, -3 / 6])
    assert float(Unit("", 1, (1, 0)).read(DENSE)) == 3


def test_places_stay_where_they_were_when_the_output_changes() -> None:
    unit = Unit("", 1, places=Head(dense=True).places(DENSE, 1))
    changed = torch.stack([DENSE[0], DENSE[0] * 0, DENSE[0] - 7])
    assert unit.read(changed).tolist() == pytest.approx([7 / 4, 0, 7 / 4 - 7])


def test_labels_that_do_not_exclude_each_other_are_first_above_one_half() -> None:
    head = Head("sigmoid", dense=True)
    # A logit above 0 is a probability above one half.
    assert head.shares(DENSE).tolist() == pytest.approx([2 / 6, 6 / 6, 2 / 6])
    foreground = Head("none", dense=True)
    single = torch.tensor([[[[0.2, 0.9], [0.6, 0.5]]]])
    assert foreground.shares(single).tolist() == [0.5]
    assert foreground.places(single, 0).mask.tolist() == [[False, True], [True, False]]


def test_equally_many_places_are_decided_by_the_mean() -> None:
    halves = torch.tensor([[[[3.0, 0.0]], [[0.0, 1.0]]]])
    assert Head(dense=True).first(halves) == 0
    nowhere = torch.full((1, 3, 2, 2), -1.0)
    nowhere[0, 2] = -0.5
    assert Head("sigmoid", dense=True).first(nowhere) == 2
