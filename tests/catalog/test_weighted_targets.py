"""Several targets in one text."""

import pytest

from catalog.errors import InvalidTarget
from catalog.weighted_targets import WeightedTarget, parse_weighted


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("blocks.4", [("blocks.4", 1)]),
        (" blocks.4 , blocks.3:20*0.5", [("blocks.4", 1), ("blocks.3:20", 0.5)]),
        ("class:Egyptian cat * -2, top", [("class:Egyptian cat", -2), ("top", 1)]),
        ("a*+.5,b*1e2,c*3.", [("a", 0.5), ("b", 100), ("c", 3)]),
    ],
)
def test_parts_and_weights(text: str, parts: list[tuple[str, float]]) -> None:
    assert parse_weighted(text) == tuple(WeightedTarget(name, weight) for name, weight in parts)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "A target is missing"),
        ("a,,b", "A target is missing"),
        ("*2", "A target is missing"),
        ("a*", "weight '' of 'a'"),
        ("a*x", "weight 'x' of 'a'"),
        ("a*0", "and not 0"),
        ("a*nan", "weight 'nan'"),
        ("a*inf", "weight 'inf'"),
        ("a*2*3", "weight '2*3'"),
        ("a*1001", "between -1000 and 1000"),
        ("a*1_0", "weight '1_0'"),
        ("a*٣", "weight '٣'"),
        ("a, b, a*2", "'a' is named twice"),
        ("a:3@7,7", "Leave out the @"),
        (",".join("abcdefghi"), "9 targets; at most 8"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(text: str, said: str) -> None:
    with pytest.raises(InvalidTarget) as refused:
        parse_weighted(text)
    assert said in refused.value.detail
    assert [error.pointer for error in refused.value.errors] == ["/targets"]
