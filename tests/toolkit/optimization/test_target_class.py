"""The loss of a goal is the distance to it in logits, and its slope that of the log odds."""

from math import log

import pytest
import torch
from torch import Tensor

from workers.toolkit.network.head import Head
from workers.toolkit.optimization.fooling import MARGIN, TargetClass

LOGITS = torch.tensor([[1.0, -1.0, 0.5]], dtype=torch.float64)


def loss_and_slope(target: TargetClass, output: Tensor) -> tuple[float, Tensor]:
    output = output.clone().requires_grad_()
    loss = target.loss(output)
    return float(loss.detach()), torch.autograd.grad(loss.sum(), output)[0]


def log_odds(probability: Tensor) -> Tensor:
    return (probability / (1 - probability)).log()


def test_exclusive_classes_compete() -> None:
    logits, probabilities = LOGITS, LOGITS.softmax(1)
    for head, output in ((Head(), logits), (Head("none"), probabilities)):
        loss, _ = loss_and_slope(TargetClass(1, head=head), output)
        assert loss == pytest.approx(2 + MARGIN)
        assert TargetClass(0, head=head).reached(output)
        assert not TargetClass(1, head=head).reached(output)
        assert not TargetClass(0, 0.9, head).reached(output)


def test_a_confidence_counts_in_log_odds() -> None:
    own = log_odds(LOGITS.softmax(1)[0, 0])
    for head, output in ((Head(), LOGITS), (Head("none"), LOGITS.softmax(1))):
        loss, _ = loss_and_slope(TargetClass(0, 0.9999, head), output)
        assert loss == pytest.approx(log(0.9999 / 0.0001) - float(own) + MARGIN)


@pytest.mark.parametrize(("index", "missing"), [(0, -1.0), (1, 1.0)])
def test_labels_by_themselves_must_pass_one_half(index: int, missing: float) -> None:
    goal = TargetClass(index, head=Head("sigmoid"))
    loss, slope = loss_and_slope(goal, LOGITS)
    assert loss == pytest.approx(missing + MARGIN)
    assert slope[0].tolist() == [-1.0 if i == index else 0.0 for i in range(3)]
    assert goal.reached(LOGITS) == (missing < 0)


def test_one_output_is_a_question_of_yes_or_no() -> None:
    logit = torch.tensor([[-0.4]], dtype=torch.float64)
    for head, output in ((Head("sigmoid"), logit), (Head("none"), logit.sigmoid())):
        loss, slope = loss_and_slope(TargetClass(0, head=head), output)
        assert loss == pytest.approx(0.4 + MARGIN)
        assert slope.item() < 0
        assert not TargetClass(0, head=head).reached(output)
        assert TargetClass(0, head=head).reached(1 - output if head.name == "none" else -output)


@pytest.mark.parametrize("probability", [1e-12, 0.3, 0.999999])
def test_probabilities_keep_their_slope_where_they_saturate(probability: float) -> None:
    output = torch.tensor([[probability, 1 - probability]], dtype=torch.float64)
    _, slope = loss_and_slope(TargetClass(0, head=Head("none")), output)
    # The derivative of −log(p / (1 − p)), which grows where that of p fades behind a softmax.
    assert float(slope[0, 0]) == pytest.approx(-1 / probability - 1 / (1 - probability))


def test_a_probability_of_zero_has_no_infinite_loss() -> None:
    loss, slope = loss_and_slope(TargetClass(0, head=Head("none")), torch.tensor([[0.0, 1.0]]))
    assert loss < 100 and bool(slope.isfinite().all())
