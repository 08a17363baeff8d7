"""The explained input: its target, its prediction, its box and its score."""

import pytest
import torch

from catalog.targets import parse_target
from tests.tiny import SIDE, TinyNetwork, photo, tiny_model
from workers.toolkit.attribution.explained_input import (
    ExplainedInput,
    ExplainedScore,
    TargetSummary,
    explain_input,
    target_summary,
)
from workers.toolkit.errors import NotFinite
from workers.toolkit.network.vision_model import VisionModel


@pytest.fixture(scope="module")
def model() -> VisionModel:
    return tiny_model()


def explained(model: VisionModel, text: str) -> ExplainedInput:
    return explain_input(model, photo(90, 60), parse_target(text, model.labels, model.name))


def probabilities(model: VisionModel) -> torch.Tensor:
    with torch.no_grad():
        return model.network.module(model.prepare(photo(90, 60)).x)[0].softmax(0)


def summary_of(found: ExplainedInput) -> TargetSummary:
    return target_summary(found.model, found.target, found.unit)


def test_a_class_has_a_label_and_a_probability(model: VisionModel) -> None:
    found = explained(model, "class:label 4")
    assert summary_of(found) == TargetSummary(
        "class:label 4", "class", index=4, label="label 4", layer=None, channel=None, position=None
    )
    assert found.probability == pytest.approx(float(probabilities(model)[4]), rel=1e-5)


def test_a_neuron_has_a_resolved_position_and_no_probability(model: VisionModel) -> None:
    found = explained(model, "conv3:2@center")
    assert summary_of(found) == TargetSummary(
        "conv3:2@center", "neuron", layer="conv3", channel=2, position=[4, 4]
    )
    assert found.probability is None


def test_the_prediction_is_the_same_for_every_target(model: VisionModel) -> None:
    for text in ("top", "class:1", "conv1:0", "relu3"):
        predicted = explained(model, text).predicted
        first = int(probabilities(model).argmax())
        assert predicted.index == first
        assert predicted.label == f"label {first}"
        assert predicted.probability == pytest.approx(float(probabilities(model).max()), rel=1e-5)


def test_the_box_is_what_the_network_sees(model: VisionModel) -> None:
    left, top, right, bottom = explained(model, "top").model_input.box
    assert right - left == pytest.approx(90 * SIDE / 54, abs=0.02)
    assert (left + right) / 2 == pytest.approx(45, abs=1)
    assert (top + bottom) / 2 == pytest.approx(30, abs=1)


def test_the_score_is_a_logit_a_probability_or_an_activation(model: VisionModel) -> None:
    with torch.no_grad():
        logits = model.network.module(model.prepare(photo(90, 60)).x)[0]
    found = explained(model, "class:2")
    plain, likely = found.score(), found.score(probability=True)
    assert plain == ExplainedScore("logit", pytest.approx(float(logits[2]), rel=1e-5))
    assert likely == ExplainedScore(
        "probability", pytest.approx(float(logits.softmax(0)[2]), rel=1e-5)
    )
    assert explained(model, "head:2").score(probability=True).kind == "activation"


def test_a_model_that_returns_no_numbers_is_refused() -> None:
    model = tiny_model(TinyNetwork)
    model.network.module.head.bias.data[3] = torch.inf
    with pytest.raises(NotFinite, match="'tiny' returned NaN or infinity"):
        explained(model, "top")
