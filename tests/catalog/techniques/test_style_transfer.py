"""Which style transfers are accepted, and what is filled in."""

from typing import Any

import pytest

from catalog.errors import InvalidParameters, OneSize, TooExpensive
from catalog.models import DEFAULT_MODEL, Layer, ModelDescription, find_model
from catalog.style_layers import CONTENT, STYLE, recommended_layers
from catalog.techniques.style_transfer import MAX_STEP_PIXELS, StyleTransferParams


def resolved(model: str = DEFAULT_MODEL, **asked: Any) -> StyleTransferParams:
    params = StyleTransferParams(model=model, **asked).resolved(find_model(model))
    params.validate_for(find_model(model), ())
    return params


@pytest.mark.parametrize("model", ["vgg16", "vgg19", "timm:vgg19", "timm:vgg19.tv_in1k"])
def test_vgg_has_the_published_recipe(model: str) -> None:
    params = resolved(model)
    assert (params.recipe, params.content_weight, params.style_weight, params.tv_weight) == (
        "gatys",
        1,
        1,
        0,
    )
    assert (params.palette_weight, params.size, params.plan()) == (0, 512, [(512, 500)])


@pytest.mark.parametrize(
    "model", [DEFAULT_MODEL, "vgg19_bn", "vgg11", "resnet50", "timm:tf_efficientnet_lite0"]
)
def test_every_other_model_has_normalized_losses(model: str) -> None:
    params = resolved(model)
    assert params.recipe == "normalized"
    assert params.plan() == [(256, 200), (512, 80)]
    assert (params.content_layers is None) == (not model.endswith("efficientnet_lite0"))


@pytest.mark.parametrize(
    ("size", "plan"),
    [
        (16, [(16, 200)]),
        (63, [(63, 200)]),
        (64, [(64, 200)]),
        (255, [(255, 200)]),
        (256, [(128, 200), (256, 80)]),
    ],
)
def test_small_pictures_are_made_at_one_size(size: int, plan: list[tuple[int, int]]) -> None:
    """At half of 50 pixels the content is lost: its correlation falls from 0.91 to 0.71."""
    assert resolved(size=size).plan() == plan
    assert resolved(size=size, scales=3).scales == 3


def test_what_is_asked_for_stays() -> None:
    params = resolved(
        "vgg19",
        recipe="normalized",
        style_weight=0,
        steps=10,
        scales=3,
        size=100,
        content_layers="a ,b",
    )
    assert (params.style_weight, params.plan()) == (0, [(25, 10), (50, 4), (100, 4)])
    assert params.named_layers()[:2] == ("a", "b")
    assert resolved(optimizer="adam").rate == 0.02


@pytest.mark.parametrize("start", ["noise", "style"])
def test_what_does_not_begin_with_the_content_has_less_style(start: str) -> None:
    assert (resolved(start=start).style_weight, resolved().style_weight) == (10, 300)
    assert resolved(start=start, style_weight=300).style_weight == 300
    assert resolved("vgg19", start=start).style_weight == 1


def test_the_smoothing_grows_with_the_style_unless_it_is_given() -> None:
    def weights(model: str = DEFAULT_MODEL, **given: Any) -> tuple[float | None, float | None]:
        params = resolved(model, **given)
        return params.tv_weight, params.palette_weight

    assert weights() == (150, 900)
    assert weights(style_weight=1) == weights(start="noise") == (15, 100)
    assert weights(style_weight=1e9) == (5e8, 1e9)
    assert weights(style_weight=1000, tv_weight=3) == (3, 3000)
    assert weights("vgg19", style_weight=1000) == (0, 0)


def test_nothing_to_paint_is_refused() -> None:
    resolved(content_weight=0, palette_weight=0)
    with pytest.raises(InvalidParameters, match="are all 0"):
        resolved(content_weight=0, style_weight=0, palette_weight=0)
    with pytest.raises(InvalidParameters, match="are all 0"):
        resolved("vgg19", content_weight=0, style_weight=0)


def test_layers_of_one_kind_come_in_their_order() -> None:
    many = {f"{STYLE}_{i}": f"layer {i}" for i in (10, 2, 1)} | {"grad_cam": "x", f"{STYLE}s": "y"}
    assert recommended_layers(many, STYLE) == ("layer 1", "layer 2", "layer 10")
    assert recommended_layers(many, CONTENT) == ()


@pytest.mark.parametrize(
    ("weights", "shares"),
    [("1, 0.5", [2 / 3, 1 / 3]), ("2", [1.0]), ("0,1,3", [0, 0.25, 0.75]), (None, [1.0])],
)
def test_weights_are_shares(weights: str | None, shares: list[float]) -> None:
    assert resolved(style_weights=weights).shares() == pytest.approx(shares)


@pytest.mark.parametrize(
    "weights",
    ["", "a", "1,", "1 2", "-1, 2", "0, 0", "nan", "inf", "1,1,1,1,1", "٣", "1_0", "1e999"],
)
def test_other_weights_are_refused(weights: str) -> None:
    with pytest.raises(InvalidParameters) as refused:
        resolved(style_weights=weights)
    assert refused.value.errors[0].pointer == "/style_weights"


def test_weights_and_styles_are_as_many() -> None:
    resolved(style_weights="1, 2").validate_inputs({"content", "style", "style_3"})
    resolved().validate_inputs({"content", "style", "style_2", "style_3"})
    with pytest.raises(InvalidParameters, match="2 weights do not fit 1 styles"):
        resolved(style_weights="1, 2").validate_inputs({"content", "style"})


@pytest.mark.parametrize("layers", ["", " , ", ",".join(f"layer{i}" for i in range(13))])
def test_layers_are_one_to_twelve(layers: str) -> None:
    with pytest.raises(InvalidParameters) as refused:
        resolved(style_layers=layers)
    assert refused.value.errors[0].pointer == "/style_layers"


def test_what_costs_too_much_is_refused() -> None:
    most = MAX_STEP_PIXELS // 1024**2
    resolved(size=1024, scales=1, steps=most)
    with pytest.raises(TooExpensive):
        resolved(size=1024, scales=1, steps=most + 1)
    with pytest.raises(TooExpensive):
        resolved(size=1024, style_scale=1.5, scales=1, steps=10)


def described(**one_size: bool) -> ModelDescription:
    layers = [
        Layer(path=path, type="Conv2d", shape=[4, 8, 8], channels=4, one_size=fixed)
        for path, fixed in one_size.items()
    ]
    return ModelDescription(model="net", parameters=1, rectifiers=1, layers=layers)


SQUARE = {"content": (300, 300), "style": (40, 40)}
OWN = {"size": 224, "scales": 1}


@pytest.mark.parametrize(
    ("asked", "images", "refused"),
    [
        ({}, SQUARE, "'content' would be 256 × 256"),
        ({"size": 224}, SQUARE, None),
        (OWN, SQUARE, None),
        (OWN, SQUARE | {"content": (300, 200)}, "'content' would be 224 × 149"),
        (OWN, SQUARE | {"style": (200, 300)}, "'style' would be 149 × 224"),
        (OWN | {"style_scale": 0.5}, SQUARE, "'style' would be 112 × 112"),
        (OWN | {"scales": 2}, SQUARE, "'content' would be 112 × 112"),
    ],
)
def test_a_layer_of_one_size_is_asked_for_that_size_only(
    asked: dict[str, Any], images: dict[str, tuple[int, int]], refused: str | None
) -> None:
    model = find_model("resnet18")
    params = resolved("resnet18", content_layers="a", style_layers="a, b", **asked)
    params.validate_images(model, images, described(a=False, b=False, c=True))
    if refused is None:
        params.validate_images(model, images, described(a=False, b=True))
        return
    with pytest.raises(OneSize, match=refused) as error:
        params.validate_images(model, images, described(a=False, b=True))
    for word in ("'b'", "224 × 224", f"size={params.plan()[-1][0]}", "square images"):
        assert word in error.value.detail
    assert [violation.pointer for violation in error.value.errors] == ["/size"]


def test_layers_chosen_by_depth_are_refused_only_if_every_layer_takes_one_size() -> None:
    model, params = find_model("resnet18"), resolved("resnet18")
    params.validate_images(model, SQUARE, described(a=True, b=False))
    params.validate_images(model, SQUARE, described())
    with pytest.raises(OneSize):
        params.validate_images(model, SQUARE, described(a=True, b=True))
