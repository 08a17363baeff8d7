"""Fooling: results describe the saved PNG as it is read back."""

import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from catalog.technique import Summary
from catalog.techniques.fooling import ResolvedFooling
from tests.techniques.running import PHOTO, Recording, Stopped, explain
from tests.tiny import CLASSES, EveryRelu, tiny_model
from workers.execute import execute
from workers.toolkit.images.decode import decode
from workers.toolkit.network.vision_model import VisionModel

ESPRESSO, LION = 967, 291


def fooled(
    model: VisionModel, image: Image.Image | None = PHOTO, **params: Any
) -> tuple[Summary, Recording]:
    context = Recording()
    return into(context, model, image, **params), context


def into(
    context: Recording, model: VisionModel, image: Image.Image | None = PHOTO, **params: Any
) -> Summary:
    side = model.preprocessing.resize if params.get("mode") == "rubbish" else 512
    made = ResolvedFooling.model_validate({"seed": 7, "size": side, **params})
    return execute("fooling", made, model, {} if image is None else {"image": image}, context)


def pixels(context: Recording, name: str) -> np.ndarray:
    """Return the pixels (H, W, C), decoded by Pillow alone."""
    with Image.open(io.BytesIO(context.files[name])) as image:
        array = np.asarray(image).astype(float)
    return array.reshape(*array.shape[:2], -1)


def predicted(model: VisionModel, context: Recording, classes: int = CLASSES) -> dict[int, float]:
    """Return what `predict` says of the saved file: each class's probability, highest first."""
    summary, _ = explain("predict", model, decode(context.files["image.png"]), top_k=classes)
    return {one.index: one.probability for one in summary.predictions}


def unlikely(model: VisionModel) -> int:
    """Return the photograph's second class, which a perturbation of the tiny network can reach."""
    summary, _ = explain("predict", model, PHOTO, top_k=CLASSES)
    return int(summary.predictions[1].index)


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_the_saved_picture_is_seen_as_the_goal(tiny: VisionModel, norm: str) -> None:
    goal = unlikely(tiny)
    summary, context = fooled(tiny, goal=str(goal), norm=norm, steps=60)
    seen = predicted(tiny, context)
    assert summary.success
    assert next(iter(seen)) == goal == summary.after.predicted.index
    assert seen[goal] == summary.after.goal_probability == summary.after.predicted.probability
    assert summary.before.predicted.index != goal
    assert f"label {goal}" in summary.verdict


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_the_norms_are_those_of_the_files(tiny: VisionModel, norm: str) -> None:
    summary, context = fooled(tiny, goal=str(unlikely(tiny)), norm=norm, steps=40)
    change = pixels(context, "image.png") - pixels(context, "start.png")
    assert np.array_equal(pixels(context, "start.png"), np.asarray(PHOTO))
    assert (summary.width, summary.height) == PHOTO.size
    assert summary.l0 == (change != 0).any(axis=2).sum() > 0
    assert summary.l0_fraction == pytest.approx(summary.l0 / (PHOTO.width * PHOTO.height))
    assert summary.l2 == pytest.approx(np.sqrt((change**2).sum()) / 255)
    assert summary.linf_levels == np.abs(change).max()
    assert summary.linf == pytest.approx(summary.linf_levels / 255)
    shown = pixels(context, "difference.png") - 128
    small = np.abs(change * summary.amplification) < 127
    np.testing.assert_allclose(shown[small], (change * summary.amplification)[small], atol=0.51)


def test_each_norm_is_the_smaller_one_of_its_own_search(tiny: VisionModel) -> None:
    goal = str(unlikely(tiny))
    l2, _ = fooled(tiny, goal=goal, norm="l2", steps=100)
    linf, _ = fooled(tiny, goal=goal, norm="linf", steps=100)
    assert l2.l2 < linf.l2
    assert linf.linf_levels < l2.linf_levels


def test_confidence_is_reached_in_the_file_and_costs_more(tiny: VisionModel) -> None:
    goal = unlikely(tiny)
    first, _ = fooled(tiny, goal=str(goal), steps=60)
    sure, context = fooled(
        tiny, goal=str(goal), confidence=first.after.goal_probability + 0.02, steps=60
    )
    assert sure.success
    assert predicted(tiny, context)[goal] >= first.after.goal_probability + 0.02
    assert sure.l2 > first.l2


def test_a_goal_out_of_reach_is_no_success(tiny: VisionModel) -> None:
    summary, context = fooled(tiny, goal=str(unlikely(tiny)), confidence=0.999999, steps=5)
    assert not summary.success
    assert summary.after.goal_probability < 0.999999
    assert "not reached" in summary.verdict and "Raise steps" in summary.verdict
    assert set(context.files) == {"image.png", "start.png", "difference.png", "curve.json"}


def test_a_picture_that_is_already_the_goal_is_unchanged(tiny: VisionModel) -> None:
    first = explain("predict", tiny, PHOTO, top_k=1)[0].predictions[0].index
    summary, context = fooled(tiny, goal=f"class:{first}", steps=20)
    assert summary.success and summary.steps <= 2
    assert (summary.l0, summary.l2, summary.linf_levels) == (0, 0, 0)
    assert np.array_equal(pixels(context, "image.png"), np.asarray(PHOTO))
    assert "already" in summary.verdict


def test_a_large_image_is_scaled_down(tiny: VisionModel) -> None:
    summary, context = fooled(tiny, PHOTO.resize((900, 300)), goal="3", steps=2, size=96)
    assert (summary.width, summary.height) == (96, 32)
    assert pixels(context, "image.png").shape == (32, 96, 3)


@pytest.mark.parametrize("start", ["noise", "zero"])
def test_rubbish_begins_with_noise_or_black(tiny: VisionModel, start: str) -> None:
    summary, context = fooled(tiny, None, goal="3", mode="rubbish", start=start, steps=3)
    began = pixels(context, "start.png")
    assert began.shape == (36, 36, 3)
    assert (summary.width, summary.height) == (36, 36)
    if start == "zero":
        assert not began.any()
    else:
        assert began.mean() == pytest.approx(127.5, abs=5) and began.std() == pytest.approx(
            255 / 12**0.5, abs=5
        )
        _, noise = fooled(tiny, None, goal="3", mode="rubbish", start=start, steps=3, seed=8)
        assert not np.array_equal(pixels(noise, "start.png"), began)


@pytest.mark.parametrize("norm", ["l2", "linf"])
@pytest.mark.parametrize("stop", [1, 2, 9, 17, 24])
def test_a_run_stopped_anywhere_resumes_to_the_same_bytes(
    tiny: VisionModel, norm: str, stop: int
) -> None:
    asked = {"goal": str(unlikely(tiny)), "norm": norm, "steps": 24, "confidence": 0.12}
    _, straight = fooled(tiny, **asked)
    stopped = Recording(stop_at=min(stop, len(straight.steps) - 1))
    with pytest.raises(Stopped):
        into(stopped, tiny, **asked)
    resumed = Recording(saved=stopped.saved)
    into(resumed, tiny, **asked)
    assert resumed.files == straight.files


def test_the_curve_is_the_gap_to_the_goal(tiny: VisionModel) -> None:
    summary, context = fooled(tiny, goal=str(unlikely(tiny)), steps=40)
    gap = json.loads(context.files["curve.json"])["gap"]
    assert len(gap) == summary.steps
    assert gap[0] > 0 > min(gap)


def test_a_second_model_is_asked_but_not_used(tiny: VisionModel) -> None:
    second = tiny_model(EveryRelu)
    goal = unlikely(tiny)
    context = Recording(load={"other": second}.__getitem__)
    summary = into(context, tiny, goal=str(goal), steps=40, transfer_model="other")
    alone, without = fooled(tiny, goal=str(goal), steps=40)
    assert alone.transfer is None
    assert context.files["image.png"] == without.files["image.png"]
    seen = predicted(second, context)
    assert summary.transfer.after.goal_probability == seen[goal]
    assert summary.transfer.after.predicted.index == next(iter(seen))
    assert (
        summary.transfer.before.predicted.index
        == explain("predict", second, PHOTO)[0].predictions[0].index
    )
    assert summary.transfer.fooled == (
        summary.transfer.before.predicted.index != goal == next(iter(seen))
    )


def test_the_model_itself_as_second_model_is_fooled(tiny: VisionModel) -> None:
    context = Recording(load={"same": tiny}.__getitem__)
    summary = into(context, tiny, goal=str(unlikely(tiny)), steps=40, transfer_model="same")
    assert summary.transfer.fooled
    assert summary.transfer.after == summary.after


def test_an_espresso_becomes_a_lion(default_model: VisionModel, coffee: bytes) -> None:
    summary, context = fooled(default_model, decode(coffee), goal="lion", steps=40, size=320)
    seen = predicted(default_model, context, 1000)
    assert summary.success and next(iter(seen)) == LION
    assert (summary.before.predicted.index, summary.goal.index) == (ESPRESSO, LION)
    assert summary.l2 < 2
    assert summary.linf_levels < 32


def test_noise_becomes_a_lion(default_model: VisionModel) -> None:
    rubbish(default_model, LION, "noise")


@pytest.mark.slow
@pytest.mark.parametrize("start", ["noise", "zero"])
@pytest.mark.parametrize("goal", [0, 250, 500, 750, 999])
def test_rubbish_of_any_class(default_model: VisionModel, goal: int, start: str) -> None:
    rubbish(default_model, goal, start)


def rubbish(model: VisionModel, goal: int, start: str) -> None:
    summary, context = fooled(
        model, None, goal=str(goal), mode="rubbish", start=start, confidence=0.9999
    )
    seen = predicted(model, context, 1000)
    assert summary.success and next(iter(seen)) == goal
    assert seen[goal] >= 0.9999
    assert summary.before.goal_probability < 0.1
