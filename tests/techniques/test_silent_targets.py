"""Targets that are silent at the start: woken by every recipe, or refused with a code."""

from typing import Any

import pytest
import torch
from PIL import Image
from torch import nn

from catalog.techniques.activation_maximization import ActivationMaximizationParams
from catalog.techniques.deep_dream import DeepDreamParams
from tests.far28 import NEVER_FIRES, SIDE, WAKES, far28, far28_module
from tests.techniques.running import Recording, Stopped, entry_of
from tests.techniques.test_fooling import fooled
from workers.execute import execute
from workers.toolkit.errors import UnitSilent
from workers.toolkit.network.network import Network
from workers.toolkit.network.vision_model import VisionModel

BLACK = Image.new("RGB", (SIDE, SIDE))


@pytest.fixture(scope="module")
def model() -> VisionModel:
    return far28()


def maximized(model: VisionModel, context: Recording | None = None, **given: Any) -> Any:
    params = ActivationMaximizationParams.model_validate(
        {"seed": 0, "target": WAKES, "steps": 40, **given}
    ).resolved(entry_of(model).model_copy(update={"classes": 10}))
    params = params.model_copy(update={"size": SIDE})
    return execute("activation_maximization", params, model, {}, context or Recording())


def dreamt(model: VisionModel, targets: str, steps: int = 8, rate: float = 1.5) -> Any:
    params = DeepDreamParams(targets=targets, seed=0, octaves=1, steps=steps, rate=rate).resolved(
        entry_of(model)
    )
    params = params.model_copy(update={"size": SIDE, "tile": SIDE, "jitter": 2})
    return execute("deep_dream", params, model, {"image": BLACK}, Recording())


@pytest.mark.parametrize("recipe", ["robust", "lucid", "simonyan", "yosinski"])
def test_every_recipe_wakes_a_silent_unit(model: VisionModel, recipe: str) -> None:
    """Plain ascent before the ReLU reaches 2.29 in many steps; the recipes had ended at 0."""
    summary = maximized(model, recipe=recipe, start="mean", steps=90)
    assert summary.score_before == [0]
    assert summary.score_after[0] > 0.3
    assert summary.silent == [False]


def test_each_of_several_images_is_woken(model: VisionModel) -> None:
    summary = maximized(model, recipe="simonyan", count=3, steps=60)
    assert min(summary.score_after) > 0.5


@pytest.mark.parametrize("given", [{}, {"recipe": "simonyan"}, {"count": 2}])
def test_a_unit_that_never_fires_is_refused(model: VisionModel, given: dict[str, Any]) -> None:
    context = Recording()
    with pytest.raises(UnitSilent, match="Try the layer before the ReLU: c2:5"):
        maximized(model, context, target=NEVER_FIRES, steps=8, **given)
    assert not context.files


def test_while_a_unit_is_woken_a_run_resumes_to_the_same_bytes(model: VisionModel) -> None:
    given = {"recipe": "simonyan", "start": "mean", "steps": 30}
    straight = Recording()
    maximized(model, straight, **given)
    for stop in (2, 5, 20):
        stopped = Recording(stop_at=stop)
        with pytest.raises(Stopped):
            maximized(model, stopped, **given)
        resumed = Recording(saved=stopped.saved)
        maximized(model, resumed, **given)
        assert resumed.files == straight.files


def test_a_dream_wakes_a_silent_target_beside_another(model: VisionModel) -> None:
    alone, beside = (
        dreamt(model, targets, 20, rate=10) for targets in (WAKES, f"{WAKES}*20, r2:3*0.01")
    )
    assert alone.targets[0].score_before == beside.targets[0].score_before == 0
    assert alone.targets[0].score_after > 0.1
    assert beside.targets[0].score_after > 0.1


@pytest.mark.parametrize("targets", [NEVER_FIRES, f"r2:3, {NEVER_FIRES}"])
def test_a_dream_of_what_never_fires_is_refused(model: VisionModel, targets: str) -> None:
    with pytest.raises(UnitSilent, match=r"r2:5 is silent at the photograph.*c2:5"):
        dreamt(model, targets)


def test_what_never_fires_can_be_avoided(model: VisionModel) -> None:
    summary = dreamt(model, f"r2:3, {NEVER_FIRES}*-1")
    assert summary.targets[1].score_after == 0


def test_a_dreams_scores_and_curve_are_told_apart(model: VisionModel) -> None:
    """Without shift, the last step's score is the next to last picture's, and near the last's."""
    (target,) = dreamt(model, "r2:3", 30).targets
    assert target.scale > 0
    assert target.score_last_step == pytest.approx(target.score_after, rel=0.2)


def test_for_a_goal_out_of_reach_more_steps_are_not_advised() -> None:
    module = far28_module()
    head: Any = module.get_submodule("fc2")
    assert isinstance(head, nn.Linear)
    with torch.no_grad():
        head.bias[4] -= 5000
    base = far28()
    model = VisionModel(
        "far28", Network(module, 1, SIDE, SIDE), base.preprocessing, base.labels, base.weights
    )
    summary, _ = fooled(model, None, goal="4", mode="rubbish", confidence=0.9, steps=30)
    assert not summary.success
    assert "more steps will not help" in summary.verdict
    assert "Raise steps" not in summary.verdict
