"""How a map is drawn: defaults by what zero means in it, and what would mislead is refused."""

import pytest
from pydantic import ValidationError

from catalog.errors import InvalidParameters
from catalog.map_pictures import LARGEST_SIDE, ColorLimits, parse_color_range
from catalog.models import DEFAULT_MODEL, find_model
from catalog.parameters import parse_parameters
from catalog.registry import find_technique, techniques

MAPS = [name for name, each in techniques().items() if "colormap" in each.params.model_fields]
SCALES = [
    ("saliency", {}, "magnitude"),
    ("saliency", {"reduce": "signed"}, "signed"),
    ("guided_backprop", {}, "magnitude"),
    ("grad_cam", {}, "magnitude"),
    ("grad_cam", {"relu": False}, "signed"),
    ("integrated_gradients", {}, "signed"),
    ("occlusion", {}, "signed"),
    ("rise", {}, "level"),
]


def refusal(name: str, **asked: object) -> InvalidParameters:
    model = find_model(DEFAULT_MODEL)
    params = find_technique(name).params.model_validate(asked).resolved(model)
    with pytest.raises(InvalidParameters) as refused:
        params.validate_for(model, ())
    return refused.value


def accepted(name: str, **asked: object) -> None:
    model = find_model(DEFAULT_MODEL)
    find_technique(name).params.model_validate(asked).resolved(model).validate_for(model, ())


def test_every_technique_that_leaves_a_heatmap_takes_them() -> None:
    with_heatmap = [
        name
        for name, each in techniques().items()
        if "heatmap.png" in [file.name for file in each.artifacts]
    ]
    assert with_heatmap == MAPS == sorted({name for name, _, _ in SCALES})


@pytest.mark.parametrize(("name", "asked", "scale"), SCALES, ids=str)
def test_the_default_colours_say_whether_a_map_has_a_sign(
    name: str, asked: dict[str, object], scale: str
) -> None:
    params = find_technique(name).params.model_validate(asked).resolved(find_model(DEFAULT_MODEL))
    assert params.map_scale() == scale
    assert params.colormap == ("RdBu_r" if scale == "signed" else "inferno")


@pytest.mark.parametrize(("name", "asked", "scale"), SCALES, ids=str)
def test_colours_of_the_other_kind_are_refused_and_the_others_named(
    name: str, asked: dict[str, object], scale: str
) -> None:
    wrong, right = ("magma_r", "PuOr") if scale == "signed" else ("RdBu", "magma_r")
    error = refusal(name, **asked, colormap=wrong)
    assert error.errors[0].pointer == "/colormap"
    assert right.removesuffix("_r") in error.detail
    accepted(name, **asked, colormap=right)


@pytest.mark.parametrize(
    ("name", "asked", "text", "advice"),
    [
        ("saliency", {}, "-1,1", "color_range=0,1"),
        ("saliency", {"reduce": "signed"}, "0,0.5", "color_range=-0.5,0.5"),
        ("occlusion", {}, "-0.2,0.1", "color_range=-0.2,0.2"),
    ],
)
def test_limits_that_hide_where_zero_is_are_refused_with_better_ones(
    name: str, asked: dict[str, object], text: str, advice: str
) -> None:
    error = refusal(name, **asked, color_range=text)
    assert error.errors[0].pointer == "/color_range" and advice in error.detail
    accepted(name, **asked, color_range=advice.partition("=")[2])


def test_a_level_may_have_any_limits() -> None:
    accepted("rise", color_range="-3,0.25")


def test_a_range_is_two_numbers_in_their_order() -> None:
    assert parse_color_range("auto") is None
    assert parse_color_range(" -1e-3 , 2") == ColorLimits(-0.001, 2)


@pytest.mark.parametrize(
    "text", ["", "1", "1,2,3", "a,b", "2,1", "1,1", "nan,1", "0,inf", "0,1e300", "AUTO"]
)
def test_any_other_range_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(InvalidParameters, match=r"^color_range: Must be "):
        parse_parameters(find_technique("saliency"), {"color_range": text})


@pytest.mark.parametrize(
    ("field", "value"),
    [("colormap", "gray"), ("colormap", "Viridis"), ("figure", "jpg"), ("picture_side", 15)],
)
def test_what_is_not_listed_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=field):
        find_technique("saliency").params.model_validate({field: value})


def test_a_picture_may_be_as_large_as_any_accepted_photograph_is_long() -> None:
    accepted("saliency", picture_side=LARGEST_SIDE)


@pytest.mark.parametrize("name", MAPS)
def test_what_a_figure_names_is_a_parameter(name: str) -> None:
    params = find_technique(name).params
    assert set(params.figure_parameters) <= set(params.model_fields)
