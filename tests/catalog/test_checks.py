"""The sentence about what costs too much, and estimates in closed form."""

from typing import Any

import pytest

from catalog.checks import (
    DEFAULT_MULTIPLICATIONS,
    check_cost,
    check_multiplications,
    relative_cost,
)
from catalog.errors import TooExpensive
from catalog.models import ModelDescription, find_model
from catalog.registry import find_technique
from catalog.technique import Params

MODEL = find_model("efficientnet_lite0")  # 224 × 224


def params(technique: str, **fields: Any) -> Params:
    return find_technique(technique).params.model_validate(fields).resolved(MODEL)


@pytest.mark.parametrize(
    ("technique", "fields", "passes"),
    [
        ("predict", {}, 1),
        ("saliency", {"samples": 8}, 8),
        ("saliency", {"samples": 8, "check": True}, 2 * 8 + 126),
        ("occlusion", {}, 25**2),
        ("occlusion", {"check": True}, 25**2 + 126),
        ("rise", {}, 1000),
        ("integrated_gradients", {"samples": 3, "steps": 20}, 60),
        ("activation_maximization", {"target": "class:1", "steps": 100}, 100),
        ("activation_maximization", {"target": "class:1", "steps": 100, "size": 448}, 400),
        ("activation_maximization", {"target": "class:1", "steps": 100, "count": 3}, 600),
        (
            "activation_maximization",
            {"target": "class:1", "steps": 100, "count": 3, "diversity": 0},
            300,
        ),
        ("inversion", {"layers": "conv_stem, blocks.1", "restarts": 2, "steps": 10}, 40),
        ("deep_dream", {"octaves": 1, "size": 224, "steps": 7, "zoom_frames": 1}, 14),
        (
            "style_transfer",
            {"steps": 10, "scales": 2, "size": 448},
            31,
        ),  # (10 · 248² + 4 · 472²) / 224²
        ("fooling", {"goal": "7", "steps": 30}, 30),
    ],
)
def test_the_estimate(technique: str, fields: dict[str, Any], passes: int) -> None:
    assert params(technique, **fields).estimated_passes(MODEL) == passes


def test_the_limit_itself_is_allowed() -> None:
    check_cost(params("rise"), 1000, 1000)
    with pytest.raises(TooExpensive, match=r"1,000 .* 999\. Lower masks\."):
        check_cost(params("rise"), 1000, 999)


def described(multiplications: int | None) -> ModelDescription:
    return ModelDescription(
        model="net", parameters=1, rectifiers=1, layers=[], multiplications=multiplications
    )


def test_an_image_costs_as_many_of_the_default_model_as_it_multiplies_more() -> None:
    assert relative_cost(described(400 * DEFAULT_MULTIPLICATIONS)) == 400
    for free in (None, described(None), described(1), described(DEFAULT_MULTIPLICATIONS)):
        assert relative_cost(free) == 1


def test_a_giant_model_is_refused_what_the_default_is_granted() -> None:
    check_multiplications(params("rise"), 20_000, 1, 5_000_000)
    check_multiplications(params("rise"), 12_500, 400, 5_000_000)
    sentence = r"About 20,000 .* 400 in 'efficientnet_lite0': 8,000,000 together; .* 5,000,000"
    with pytest.raises(TooExpensive, match=sentence) as refused:
        check_multiplications(params("rise"), 20_000, 400, 5_000_000)
    assert refused.value.errors[0].pointer == "/masks"


def test_every_technique_that_can_be_dear_says_what_to_change() -> None:
    with pytest.raises(
        TooExpensive, match="Lower steps, lower restarts or lower the number of layers"
    ):
        check_cost(params("inversion"), 2, 1)
    with pytest.raises(TooExpensive, match="Take a smaller image_set"):
        check_cost(params("top_patches", image_set="x", target="class:7"), 2, 1)
