"""Inversion: layers, restarts, embeddings in place of images, and resumed runs."""

import io
import json
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from catalog.errors import InvalidParameters, TooExpensive, WrongShape
from catalog.models import DEFAULT_MODEL, find_model
from catalog.techniques.inversion import InversionParams, InversionSummary
from retinoscope.demo_plan import photograph
from tests.techniques.running import PHOTO, Recording, Stopped, entry_of, explain
from workers.execute import execute
from workers.toolkit.errors import NothingToInvert
from workers.toolkit.images.array import Input
from workers.toolkit.images.decode import decode
from workers.toolkit.images.picture import from_image
from workers.toolkit.network.vision_model import VisionModel

LAYERS = "conv1, pool, head"


def invert(
    model: VisionModel, context: Recording, sent: Input = PHOTO, **given: Any
) -> InversionSummary:
    fields = {"model": model.name, "seed": 3, "steps": 12, **given}
    params = InversionParams.model_validate(fields).resolved(entry_of(model))
    name = "image" if isinstance(sent, Image.Image) else "embedding"
    summary = execute("inversion", params, model, {name: sent}, context)
    assert isinstance(summary, InversionSummary)
    return summary


@pytest.mark.parametrize("recipe", ["modern", "mahendran_vedaldi"])
def test_a_run_stopped_in_any_layer_resumes_to_the_same_bytes(
    tiny: VisionModel, recipe: str
) -> None:
    whole = Recording()
    asked = {"layers": LAYERS, "restarts": 2, "recipe": recipe}
    summary = invert(tiny, whole, **asked)
    assert [layer.layer for layer in summary.layers] == ["conv1", "pool", "head"]
    for stop in (2, 12, 13, 14, 20, 30, 36):
        stopped = Recording(stop_at=stop)
        with pytest.raises(Stopped):
            invert(tiny, stopped, **asked)
        resumed = Recording(saved=stopped.saved)
        assert invert(tiny, resumed, **asked) == summary
        assert resumed.files == whole.files


def test_one_strip_and_one_picture_per_layer(tiny: VisionModel) -> None:
    context = Recording()
    summary = invert(tiny, context, layers=LAYERS, restarts=2)
    pictures = [f"image-{n}.png" for n in (1, 2, 3)]
    assert set(context.files) == {
        "strip.png",
        "curve.json",
        *pictures,
        *(f"restarts-{n}.png" for n in (1, 2, 3)),
    }
    assert [layer.file for layer in summary.layers] == pictures
    strip = Image.open(io.BytesIO(context.files["strip.png"]))
    assert strip.width > 4 * 128 > strip.height
    curve = json.loads(context.files["curve.json"])
    assert list(curve) == ["conv1", "pool", "head"]
    assert all(len(values) == 12 for parts in curve.values() for values in parts.values())


@pytest.mark.parametrize("recipe", ["modern", "mahendran_vedaldi"])
@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_few_steps_are_taken_as_asked(tiny: VisionModel, recipe: str, steps: int) -> None:
    """So few that a part of a recipe, a share of the steps, has none."""
    context = Recording()
    summary = invert(tiny, context, layers=LAYERS, recipe=recipe, steps=steps)
    assert all(0 < error < 100 for layer in summary.layers for error in layer.error)
    curve = json.loads(context.files["curve.json"])
    assert all(len(values) == steps for parts in curve.values() for values in parts.values())


def test_the_error_is_that_of_the_saved_picture(tiny: VisionModel) -> None:
    context = Recording()
    [layer] = invert(tiny, context, layer="conv3", restarts=3).layers
    x = tiny.preprocessing.normalize(
        from_image(Image.open(io.BytesIO(context.files["image-1.png"])))
    )
    module = tiny.network.module
    seen: list[torch.Tensor] = []
    handle = module.get_submodule("conv3").register_forward_hook(
        lambda part, given, out: seen.append(out)
    )
    with torch.no_grad():
        module(x), module(tiny.prepare(PHOTO).x)
    handle.remove()
    made, sought = seen
    assert min(layer.error) == pytest.approx(
        float(((made - sought) ** 2).sum() / (sought**2).sum()), rel=1e-3
    )
    assert layer.shape == [8, 8, 8]


def test_an_embedding_stands_in_for_its_image(tiny: VisionModel) -> None:
    _, embedded = explain("embed", tiny, layer="relu3")
    array = np.load(io.BytesIO(embedded.files["embedding.npy"]), allow_pickle=False)
    by_image, by_array, by_batch = Recording(), Recording(), Recording()
    one = invert(tiny, by_image, layer="relu3")
    two = invert(tiny, by_array, array, layer="relu3")
    invert(tiny, by_batch, array[None], layer="relu3")
    assert (
        by_image.files["image-1.png"]
        == by_array.files["image-1.png"]
        == by_batch.files["image-1.png"]
    )
    assert (one.original is None, two.original is None) == (False, True)
    assert two.layers[0].same_class is None
    assert one.layers[0].error == two.layers[0].error


def test_a_wrong_shape_names_both(tiny: VisionModel) -> None:
    with pytest.raises(WrongShape, match=r"\[8, 7, 8\].*\[8, 8, 8\]"):
        invert(tiny, Recording(), np.ones((8, 7, 8), np.float32), layer="relu3")


def test_an_embedding_that_is_zero_everywhere_is_refused(tiny: VisionModel) -> None:
    with pytest.raises(NothingToInvert):
        invert(tiny, Recording(), np.zeros((8, 8, 8), np.float32), layer="relu3")


def test_without_a_recommendation_the_layer_is_found_by_depth(
    tiny: VisionModel, default_model: VisionModel
) -> None:
    summary = invert(tiny, Recording())
    assert (summary.chosen, summary.layers[0].layer) == ("by_depth", "relu3")
    assert find_model(DEFAULT_MODEL).recommended["inversion"] in default_model.network.layers


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"layer": "a", "layers": "b"}, InvalidParameters),
        ({"layers": " , "}, InvalidParameters),
        ({"layers": "a, b, a"}, InvalidParameters),
        ({"layers": ",".join(f"a{i}" for i in range(17))}, InvalidParameters),
        ({"alpha": 3}, InvalidParameters),
        ({"alpha_weight": 0.1}, InvalidParameters),
        ({"recipe": "mahendran_vedaldi", "jitter": 2}, InvalidParameters),
        ({"steps": 4096, "restarts": 4}, TooExpensive),
    ],
    ids=str,
)
def test_refused_before_anything_runs(given: dict[str, Any], error: type[Exception]) -> None:
    entry = find_model(DEFAULT_MODEL)
    with pytest.raises(error):
        InversionParams.model_validate(given).resolved(entry).validate_for(entry, ())


def test_the_published_defaults() -> None:
    params = InversionParams(recipe="mahendran_vedaldi").resolved(find_model(DEFAULT_MODEL))
    assert (params.steps, params.rate, params.alpha, params.alpha_weight) == (
        400,
        0.004,
        6.0,
        8e-10,
    )


@pytest.mark.slow
def test_the_pooled_layer_of_a_cat_is_a_cat_again(default_model: VisionModel) -> None:
    params = InversionParams(seed=1).resolved(find_model(DEFAULT_MODEL))
    context = Recording(checkpoints=False)
    summary = execute(
        "inversion", params, default_model, {"image": decode(photograph("chelsea"))}, context
    )
    assert isinstance(summary, InversionSummary)
    [layer] = summary.layers
    assert (summary.chosen, layer.layer, layer.shape) == ("recommended", "global_pool", [1280])
    assert summary.original is not None and "cat" in summary.original.label
    assert "cat" in layer.predicted[0].label
    assert layer.error[0] < 0.1
