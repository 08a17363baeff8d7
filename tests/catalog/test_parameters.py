"""What is wrong with a parameter is said in words that a client of the API knows."""

import pytest

from catalog.errors import InvalidParameters
from catalog.parameters import parse_parameters
from catalog.registry import find_technique


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"strid": 3}, "strid: There is no such parameter. Did you mean 'stride'?"),
        ({"stride": "abc"}, "stride: Must be a whole number"),
        ({"stride": 0}, "stride: Must be greater than or equal to 1"),
        ({"check": "maybe"}, "check: Must be true or false"),
        ({"seed": 10**5000}, "seed: Must be"),
        ({"fill": "pink"}, "fill: Must be 'gray', 'mean', 'black', 'white' or 'blur'"),
        ({"target": 3}, "target: Must be a text"),
    ],
)
def test_a_refusal_says_what_the_value_must_be(fields: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidParameters) as refused:
        parse_parameters(find_technique("occlusion"), fields)
    assert refused.value.detail.startswith(said)


def test_a_parameter_that_is_missing_is_named() -> None:
    with pytest.raises(InvalidParameters) as refused:
        parse_parameters(find_technique("fooling"), {})
    assert refused.value.detail == "goal: It is required"
    assert refused.value.errors[0].pointer == "/goal"
