"""Probabilities, scores and goals follow the head of the model's entry."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from catalog.errors import CatalogError, InvalidParameters, NoProbability
from catalog.model_support import check_support
from catalog.registry import find_technique
from tests.odd import SIDE, odd_model
from tests.techniques.running import entry_of, explain, values
from tests.tiny import photo
from workers.toolkit.images.decode import decode
from workers.toolkit.network.head import Head
from workers.toolkit.network.network import Network
from workers.toolkit.network.vision_model import VisionModel

PHOTO = photo(SIDE, SIDE, seed=3)
# Name → kind of model, head and number of classes.
MODELS: dict[str, tuple[str, str, int]] = {
    "softmax": ("plain", "softmax", 4),
    "several labels": ("plain", "sigmoid", 4),
    "one logit": ("plain", "sigmoid", 1),
    "probabilities": ("softmax", "none", 4),
    "one probability": ("sigmoid", "none", 1),
    "regression": ("plain", "raw", 1),
    "raw scores": ("plain", "raw", 4),
}


def model_of(name: str) -> VisionModel:
    kind, head, classes = MODELS[name]
    return odd_model(kind, Head(head), classes)


def output_of(model: VisionModel, x: Tensor | None = None) -> Tensor:
    """Return the module's own output, in double precision."""
    module = model.network.module.double()
    try:
        seen = model.prepare(PHOTO).x if x is None else x
        with torch.no_grad():
            return module(seen.double())
    finally:
        module.float()


def expected(name: str, output: Tensor) -> Tensor | None:
    _, head, _ = MODELS[name]
    by_hand = {
        "softmax": output.exp() / output.exp().sum(1, keepdim=True),
        "sigmoid": 1 / (1 + (-output).exp()),
        "none": output,
    }
    return by_hand.get(head)


@pytest.mark.parametrize("name", MODELS)
def test_predict_gives_the_probabilities_of_the_head(name: str) -> None:
    model = model_of(name)
    output = output_of(model)
    probabilities = expected(name, output)
    summary = explain("predict", model, PHOTO, top_k=9)[0].model_dump(exclude_none=True)
    assert summary["head"] == MODELS[name][1]
    found = summary["predictions"]
    scores = (output if probabilities is None else probabilities)[0]
    assert [row["index"] for row in found] == scores.argsort(descending=True).tolist()
    for row in found:
        index = row["index"]
        assert row["output"] == pytest.approx(float(output[0, index]), rel=1e-5)
        assert ("logit" in row) == (model.head.score == "logit")
        if probabilities is None:
            assert row["probability"] is None  # written out, since a client looks for it
        else:
            assert row["probability"] == pytest.approx(float(probabilities[0, index]), rel=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_a_gradient_is_that_of_what_the_model_returns(name: str) -> None:
    model = model_of(name)
    summary, context = explain("saliency", model, PHOTO, target="class:0", reduce="signed")
    assert summary.score == model.head.score
    assert (
        summary.units == f"change of the {summary.score} per unit of the network's normalized input"
    )
    x = model.prepare(PHOTO).x
    shown = values(context)
    row, column = divmod(int(shown.abs().argmax()), SIDE)
    slopes = []
    for channel in range(3):
        step = torch.zeros_like(x, dtype=torch.float64)
        step[0, channel, row, column] = 1e-5
        difference = output_of(model, x.double() + step) - output_of(model, x.double() - step)
        slopes.append(float(difference[0, 0]) / 2e-5)
    assert float(shown[row, column]) == pytest.approx(max(slopes, key=abs), rel=2e-3)


@pytest.mark.parametrize("technique", ["occlusion", "rise"])
@pytest.mark.parametrize("name", MODELS)
def test_the_default_score_is_the_probability_or_else_the_output(name: str, technique: str) -> None:
    model = model_of(name)
    more: dict[str, Any] = {"masks": 40} if technique == "rise" else {"window": 8, "stride": 8}
    summary, context = explain(technique, model, PHOTO, target="class:0", check=True, **more)
    output = output_of(model)
    probabilities = expected(name, output)
    kind = "output" if probabilities is None else "probability"
    value = float((output if probabilities is None else probabilities)[0, 0])
    assert (summary.score, summary.check.score) == (kind, kind)
    assert summary.score_value == pytest.approx(value, rel=1e-4)
    assert summary.check.base_score == pytest.approx(value, rel=1e-4)
    assert np.ptp(values(context).numpy()) > 0  # the softmax of one logit was 0 everywhere
    if probabilities is None:
        assert summary.probability is None and summary.predicted.probability is None
    else:
        assert summary.probability == pytest.approx(value, rel=1e-4)


def test_occlusion_of_one_logit_is_the_fall_of_its_sigmoid() -> None:
    model = model_of("one logit")
    summary, context = explain("occlusion", model, PHOTO, window=SIDE, stride=SIDE, fill="mean")
    whole, hidden = (
        float(torch.sigmoid(output_of(model, x))) for x in (None, torch.zeros(1, 3, SIDE, SIDE))
    )
    assert summary.target.index == 0
    np.testing.assert_allclose(values(context).numpy(), whole - hidden, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "possible"),
    [
        ("softmax", {"probability", "logit"}),
        ("one logit", {"probability", "logit"}),
        ("probabilities", {"probability"}),
        ("regression", {"output"}),
    ],
)
def test_a_score_that_a_class_does_not_have_is_refused(name: str, possible: set[str]) -> None:
    entry = entry_of(model_of(name))
    for technique in ("occlusion", "rise"):
        for score in ("probability", "logit", "output"):
            params = find_technique(technique).params(score=score).resolved(entry)
            try:
                params.validate_for(entry, [])
                accepted = True
            except InvalidParameters as error:
                accepted = False
                assert [violation.pointer for violation in error.errors] == ["/score"]
            assert accepted == (score in possible), (technique, score)


def undecided(name: str) -> VisionModel:
    """Return the model with logits near 0 for the photograph, so that every class is in reach."""
    model = model_of(name)
    module = model.network.module
    kind, module.kind = module.kind, "plain"
    several = module.last.out_features > 1
    wanted = torch.tensor([0.05, -0.15, -0.25, -0.05] if several else [-0.15])
    module.last.bias.data += wanted - output_of(model)[0].float()
    module.kind = kind
    return odd_copy(model, module)


def odd_copy(model: VisionModel, module: Any) -> VisionModel:
    return replace(model, network=Network(module, 3, SIDE, SIDE))


EXCLUSIVE = ("softmax", "probabilities")


@pytest.mark.parametrize("name", [*EXCLUSIVE, "several labels", "one logit", "one probability"])
def test_a_model_is_fooled_when_its_head_counts_the_goal(name: str) -> None:
    model = undecided(name)
    before = expected(name, output_of(model))
    assert before is not None
    goal = int(before[0].argmin())
    summary, context = explain("fooling", model, PHOTO, goal=f"#{goal}", steps=80)
    assert summary.before.goal_probability == pytest.approx(float(before[0, goal]), abs=1e-5)
    saved = decode(context.files["image.png"])
    after = expected(name, output_of(model, model.prepare(saved).x))
    assert after is not None
    assert summary.after.goal_probability == pytest.approx(float(after[0, goal]), abs=1e-5)
    assert summary.success, summary.verdict
    if name in EXCLUSIVE:
        assert int(after.argmax()) == goal
    else:
        assert before[0, goal] < 0.5 < after[0, goal]
    # The smallest change that was found is close to the goal, not far beyond it.
    assert summary.after.goal_probability < 0.62


def test_a_goal_out_of_reach_names_what_was_missing() -> None:
    model = undecided("several labels")
    summary, _ = explain("fooling", model, PHOTO, goal="#2", steps=3, confidence=0.9999)
    assert not summary.success
    assert "is label 2 at" in summary.verdict and "needs 99.99%" in summary.verdict


def test_a_model_without_probabilities_cannot_be_fooled() -> None:
    for name in ("regression", "raw scores"):
        with pytest.raises(NoProbability, match="has none"):
            check_support(find_technique("fooling"), entry_of(model_of(name)))


def test_every_other_technique_takes_every_head() -> None:
    for name in MODELS:
        for technique in ("predict", "saliency", "inversion", "deep_dream", "style_transfer"):
            try:
                check_support(find_technique(technique), entry_of(model_of(name)))
            except CatalogError as error:
                raise AssertionError((name, technique)) from error


@pytest.mark.parametrize("name", MODELS)
def test_pictures_are_made_for_every_head(name: str) -> None:
    model = model_of(name)
    made, _ = explain("activation_maximization", model, PHOTO, target="class:0", recipe="simonyan",
                      steps=2, size=SIDE, start="image")  # fmt: skip
    assert made.score == model.head.score
    assert (made.probability is None) == (model.head.name == "raw")
    assert (made.predicted[0].probability is None) == (model.head.name == "raw")
    dream, _ = explain("deep_dream", model, PHOTO, targets="class:0", octaves=1, steps=1,
                       size=48, tile=SIDE * 2)  # fmt: skip
    assert dream.targets[0].score == model.head.score
    inverted, _ = explain("inversion", model, PHOTO, layer="first", steps=2)
    assert (inverted.original.probability is None) == (model.head.name == "raw")
