"""The operators that are ReLUs, and two rules computed by hand."""

from collections.abc import Callable
from math import inf

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.toolkit.networks import Sandwich, network, sandwich
from workers.toolkit.network.network import LOGITS
from workers.toolkit.network.rectifiers import deconvnet, guided, rectifier_range

Function = Callable[[Tensor], Tensor]

RECTIFIERS: dict[str, tuple[Function, float]] = {
    "nn.ReLU": (nn.ReLU(), inf),
    "nn.ReLU in-place": (nn.ReLU(inplace=True), inf),
    "F.relu": (F.relu, inf),
    "F.relu in-place": (lambda x: F.relu(x, inplace=True), inf),
    "F.relu_": (F.relu_, inf),
    "torch.relu": (torch.relu, inf),
    "torch.relu_": (torch.relu_, inf),
    "x.relu": (lambda x: x.relu(), inf),
    "nn.ReLU6": (nn.ReLU6(), 6),
    "nn.ReLU6 in-place": (nn.ReLU6(inplace=True), 6),
    "F.relu6": (F.relu6, 6),
    "nn.Hardtanh": (nn.Hardtanh(0, 3), 3),
    "F.hardtanh by name": (lambda x: F.hardtanh(x, min_val=0, max_val=20), 20),
    "clamp(0)": (lambda x: x.clamp(0), inf),
    "clamp(min=0)": (lambda x: x.clamp(min=0), inf),
    "clamp(0, 6)": (lambda x: x.clamp(0, 6), 6),
    "clamp(max=4, min=0.0)": (lambda x: x.clamp(max=4, min=0.0), 4),
    "clamp_": (lambda x: x.clamp_(0, 1), 1),
    "clamp_min": (lambda x: x.clamp_min(0), inf),
    "torch.clip": (lambda x: torch.clip(x, 0), inf),
    "nn.Threshold": (nn.Threshold(0, 0), inf),
    "in-place on a view": (lambda x: x.chunk(2, 1)[0].relu_() + x.chunk(2, 1)[1], inf),
    "clamped in place on a view": (lambda x: x.transpose(2, 3).clamp_(0, 6), 6),
}
OTHERS: dict[str, Function] = {
    "leaky ReLU": nn.LeakyReLU(),
    "SiLU": nn.SiLU(),
    "GELU": nn.GELU(),
    "hardtanh": nn.Hardtanh(),
    "hardswish": nn.Hardswish(),
    "hardsigmoid": nn.Hardsigmoid(),
    "clamp(max=6)": lambda x: x.clamp(max=6),
    "clamp(-1, 1)": lambda x: x.clamp(-1, 1),
    "clamp_min(1)": lambda x: x.clamp_min(1),
    "ELU": nn.ELU(),
}


@pytest.mark.parametrize("form", RECTIFIERS)
def test_every_form_of_relu_is_found_with_its_upper_bound(form: str) -> None:
    function, upper = RECTIFIERS[form]
    found = network(sandwich(middle_of(function))).rectifiers(LOGITS)
    assert [rectifier_range(node) for node in found] == [upper]


@pytest.mark.parametrize("form", OTHERS)
def test_nothing_else_is_taken_for_one(form: str) -> None:
    assert network(sandwich(middle_of(OTHERS[form]))).rectifiers(LOGITS) == []


def middle_of(function: Function) -> Callable[[Sandwich, Tensor], Tensor]:
    def middle(_net: Sandwich, x: Tensor) -> Tensor:
        return function(x)

    return middle


INPUT = [-7.0, -0.5, 0.0, 0.5, 5.9, 6.1]
GRADIENT = [2.0, -3.0]


@pytest.mark.parametrize(
    ("rule", "upper", "passed"),
    [
        (guided, inf, [[0, 0, 0, 2, 2, 2], [0, 0, 0, 0, 0, 0]]),
        (guided, 6.0, [[0, 0, 0, 2, 2, 0], [0, 0, 0, 0, 0, 0]]),
        (deconvnet, inf, [[2, 2, 2, 2, 2, 2], [0, 0, 0, 0, 0, 0]]),
        (deconvnet, 6.0, [[2, 2, 2, 2, 2, 2], [0, 0, 0, 0, 0, 0]]),
    ],
)
def test_what_a_rule_lets_through(
    rule: Callable[[Tensor, float], Tensor], upper: float, passed: list
) -> None:
    for gradient, expected in zip(GRADIENT, passed, strict=True):
        x = torch.tensor(INPUT, requires_grad=True)
        output = rule(x, upper)
        assert output.tolist() == pytest.approx([min(max(value, 0), upper) for value in INPUT])
        output.backward(torch.full_like(x, gradient))
        assert x.grad.tolist() == expected
