"""Predict against the eager module's softmax."""

import pytest
import torch

from tests.techniques.running import PHOTO, explain
from tests.tiny import CLASSES
from workers.toolkit.network.vision_model import VisionModel


def test_predictions_are_the_softmax_in_descending_order(tiny: VisionModel) -> None:
    summary, _ = explain("predict", tiny, top_k=CLASSES)
    logits = tiny.network.module(tiny.prepare(PHOTO).x)[0]
    probabilities = torch.softmax(logits, 0)
    order = sorted(range(CLASSES), key=lambda i: -float(probabilities[i]))
    assert [p.index for p in summary.predictions] == order
    assert [p.label for p in summary.predictions] == [f"label {i}" for i in order]
    assert [p.probability for p in summary.predictions] == pytest.approx(
        probabilities[order].tolist(), rel=1e-5
    )
    assert [p.logit for p in summary.predictions] == pytest.approx(logits[order].tolist(), abs=1e-6)
    assert sum(p.probability for p in summary.predictions) == pytest.approx(1)


def test_top_k_cuts_the_list(tiny: VisionModel) -> None:
    whole, _ = explain("predict", tiny, top_k=CLASSES)
    three, _ = explain("predict", tiny, top_k=3)
    assert three.predictions == whole.predictions[:3]


def test_more_than_there_are_classes_gives_them_all(tiny: VisionModel) -> None:
    summary, _ = explain("predict", tiny, top_k=1000)
    assert len(summary.predictions) == CLASSES
