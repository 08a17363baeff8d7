"""What a summary says about image and neuron."""

import pytest
import torch

from catalog.targets import parse_target
from tests.tiny import SIDE, TinyNetwork, photo, tiny_model
from workers.toolkit.attribution.explained_input import ExplainedInput, explain_input
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


def test_a_class_is_told_with_label_and_probability(model: VisionModel) -> None:
    facts = explained(model, "class:label 4").facts()
    assert facts["target"] == {
        "text": "class:label 4",
        "kind": "class",
        "index": 4,
        "label": "label 4",
    }
    assert facts["probability"] == pytest.approx(float(probabilities(model)[4]), rel=1e-5)


def test_a_neuron_is_told_with_its_resolved_position(model: VisionModel) -> None:
    facts = explained(model, "conv3:2@center").facts()
    assert facts["target"] == {
        "text": "conv3:2@center", "kind": "neuron", "layer": "conv3", "channel": 2, "position": [4, 4],
    }  # fmt: skip
    assert "probability" not in facts


def test_the_prediction_and_the_seen_box_are_always_told(model: VisionModel) -> None:
    for text in ("top", "class:1", "conv1:0", "relu3"):
        facts = explained(model, text).facts()
        first = int(probabilities(model).argmax())
        assert facts["predicted"]["index"] == first
        assert facts["predicted"]["label"] == f"label {first}"
        assert facts["predicted"]["probability"] == pytest.approx(
            float(probabilities(model).max()), rel=1e-5
        )
        left, top, right, bottom = facts["input_box"]
        assert right - left == pytest.approx(90 * SIDE / 54, abs=0.02)
        assert (left + right) / 2 == pytest.approx(45, abs=1)
        assert (top + bottom) / 2 == pytest.approx(30, abs=1)


def test_the_score_is_a_logit_a_probability_or_an_activation(model: VisionModel) -> None:
    with torch.no_grad():
        logits = model.network.module(model.prepare(photo(90, 60)).x)[0]
    plain, likely = (
        explained(model, "class:2").score(),
        explained(model, "class:2").score(probability=True),
    )
    assert plain == {"score": "logit", "score_value": pytest.approx(float(logits[2]), rel=1e-5)}
    assert likely == {
        "score": "probability",
        "score_value": pytest.approx(float(logits.softmax(0)[2]), rel=1e-5),
    }
    assert explained(model, "head:2").score(probability=True)["score"] == "activation"


def test_a_model_that_returns_no_numbers_is_refused() -> None:
    model = tiny_model(TinyNetwork)
    model.network.module.head.bias.data[3] = torch.inf
    with pytest.raises(NotFinite, match="'tiny' returned NaN or infinity"):
        explained(model, "top")
