"""Every technique that offers `check` keeps the rules of all techniques with it, too."""

import io
import json
from typing import Any

import pytest
import torch
from PIL import Image

from catalog.registry import find_technique, techniques
from tests.techniques.running import PHOTO, Recording, Stopped, explain, values, wide_model
from tests.techniques.test_every_technique import footprint, run
from tests.tiny import SIDE, TinyNetwork, seeded
from workers.toolkit.attribution.rank_correlation import rank_correlation
from workers.toolkit.network.vision_model import VisionModel

OFFERED = [
    name for name, technique in techniques().items() if "check" in technique.params.model_fields
]
WITHOUT_GRADIENT = {"occlusion", "rise"}
CHANNEL = "conv3:2"

every = pytest.mark.parametrize("name", OFFERED)


@pytest.fixture(scope="module")
def model() -> VisionModel:
    return wide_model()


def checked(name: str, model: VisionModel, seed: int = 3) -> tuple[Any, Recording]:
    context = Recording()
    return run(name, model, context, seed, check=True), context


def test_every_map_of_the_menu_offers_it() -> None:
    assert {
        "grad_cam",
        "guided_backprop",
        "integrated_gradients",
        "occlusion",
        "rise",
        "saliency",
    } <= set(OFFERED)


@every
def test_it_is_off_unless_asked_for(name: str, tiny: VisionModel) -> None:
    summary, _ = explain(name, tiny)
    assert summary.check is None
    assert "check" not in summary.model_dump(exclude_none=True)


@every
def test_the_map_and_its_files_stay_what_they_are(name: str, model: VisionModel) -> None:
    plain, context = Recording(), Recording()
    before, after = run(name, model, plain), run(name, model, context, check=True)
    assert after.model_copy(update={"check": None}) == before
    assert context.files["values.npy"] == plain.files["values.npy"]
    assert context.media_types == {
        file.name: file.media_type
        for file in find_technique(name).artifacts
        if file.only_with in (None, "check")
    }


@every
def test_the_curves_are_a_picture_that_says_how_it_was_made(name: str, model: VisionModel) -> None:
    _, context = checked(name, model)
    with Image.open(io.BytesIO(context.files["check.png"])) as picture:
        assert picture.text["retinoscope:technique"] == name
        assert json.loads(picture.text["retinoscope:params"])["check"] is True


@every
def test_the_summary_is_plain_json_with_all_curves(name: str, model: VisionModel) -> None:
    check = json.loads(
        json.dumps(checked(name, model)[0].model_dump(exclude_none=True), allow_nan=False)
    )["check"]
    assert check["score"] == "probability"
    curves = ("deletion", "random_deletion", "insertion", "random_insertion")
    assert {len(check[curve]) for curve in curves} == {len(check["fractions"])} == {21}
    ends = (
        check["deletion"][0],
        check["random_deletion"][0],
        check["insertion"][-1],
        check["random_insertion"][-1],
    )
    assert ends == pytest.approx([check["base_score"]] * 4, abs=1e-5)
    assert check["verdict"].startswith("Hiding what the map marks")


@every
def test_the_last_layer_is_shuffled_for_gradients_only(name: str, model: VisionModel) -> None:
    check = checked(name, model)[0].check
    if name in WITHOUT_GRADIENT:
        assert check.randomized_correlation is check.randomized_weights is None
    else:
        assert check.randomized_weights == "head.weight"
        assert -1 <= check.randomized_correlation < 1


@every
def test_progress_rises_to_one_total(name: str, model: VisionModel) -> None:
    _, context = checked(name, model)
    done = [step for step, _ in context.steps]
    (total,) = {total for _, total in context.steps}
    assert done == sorted(done)
    assert done[0] < done[-1] == total
    assert total > done[0] + 126


@every
def test_the_same_seed_gives_the_same_numbers(name: str, model: VisionModel) -> None:
    first, one = checked(name, model, seed=11)
    again, two = checked(name, model, seed=11)
    assert first == again
    assert one.files == two.files
    assert checked(name, model, seed=12)[0].check != first.check


@every
def test_it_leaves_no_trace_even_when_stopped_anywhere(name: str, model: VisionModel) -> None:
    before = footprint(model)
    _, whole = checked(name, model)
    assert footprint(model) == before
    for step in {*range(1, len(whole.steps), 4), len(whole.steps)}:
        with pytest.raises(Stopped):
            run(name, model, Recording(stop_at=step), check=True)
        assert footprint(model) == before


@every
@pytest.mark.parametrize("target", [CHANNEL, "conv3:1@center", "head:7"])
def test_another_unit_is_checked_by_its_activation(
    name: str, tiny: VisionModel, target: str
) -> None:
    layer = {"layer": "conv1"} if name == "grad_cam" else {}
    check = explain(name, tiny, target=target, check=True, **layer)[0].check
    assert check.score == "activation"
    if name not in WITHOUT_GRADIENT:
        assert check.randomized_weights == ("head.weight" if target == "head:7" else "conv3.weight")


def test_the_unit_is_the_one_of_the_unchanged_image(tiny: VisionModel) -> None:
    """The first class changes while the image is hidden; the curve follows the first one."""
    summary, _ = explain("saliency", tiny, Image.new("RGB", PHOTO.size, "white"), check=True)
    index, empty = (
        summary.target.index,
        tiny.network.module(torch.zeros(1, 3, SIDE, SIDE)).softmax(1)[0],
    )
    assert int(empty.argmax()) != index
    assert summary.check.deletion[-1] == pytest.approx(float(empty[index]), abs=1e-6)


def test_the_correlation_is_that_of_the_map_of_an_eager_model_with_that_weight(
    tiny: VisionModel,
) -> None:
    summary, context = explain("saliency", tiny, target="class:3", check=True, seed=5)
    eager = seeded(TinyNetwork)
    weight = eager.head.weight.data
    order = torch.randperm(weight.numel(), generator=torch.Generator().manual_seed(5))
    eager.head.weight.data = weight.flatten()[order].reshape(weight.shape)
    x = tiny.prepare(PHOTO).x.requires_grad_()
    (gradient,) = torch.autograd.grad(eager(x)[0, 3], x)
    expected = rank_correlation(values(context), gradient[0].abs().amax(0))
    assert summary.check.randomized_correlation == pytest.approx(expected, abs=1e-4)


def test_a_signed_saliency_is_checked_by_its_magnitude(tiny: VisionModel) -> None:
    plain, signed = (
        explain("saliency", tiny, check=True, reduce=reduce)[0].check
        for reduce in ("max_abs", "signed")
    )
    assert plain == signed
