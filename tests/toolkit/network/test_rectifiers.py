"""The operators that are ReLUs, and two rules computed by hand."""

from collections.abc import Callable
from functools import cache
from math import inf

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.toolkit.networks import Sandwich, network, noise, sandwich
from workers.toolkit.errors import HiddenRectifier
from workers.toolkit.network.hidden_rectifiers import refuse_hidden
from workers.toolkit.network.network import LOGITS
from workers.toolkit.network.rectifier_patterns import find_rectifier
from workers.toolkit.network.rectifiers import deconvnet, guided

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
    "maximum with zeros": (lambda x: torch.maximum(x, torch.zeros_like(x)), inf),
    "maximum of zero and x": (lambda x: torch.maximum(x.new_zeros(()), x), inf),
    "maximum with a constant": (lambda x: torch.maximum(x, torch.tensor(0.0)), inf),
    "maximum with a full tensor": (lambda x: torch.maximum(x, torch.full((8, 1, 1), 0.0)), inf),
    "torch.max of two": (lambda x: torch.max(x, torch.zeros(1)), inf),
    "fmax": (lambda x: torch.fmax(x, torch.zeros(())), inf),
    "where(x > 0, x, 0)": (lambda x: torch.where(x > 0, x, 0), inf),
    "where(x >= 0, x, zeros)": (lambda x: torch.where(x >= 0, x, torch.zeros_like(x)), inf),
    "where(x < 0, 0, x)": (lambda x: torch.where(x < 0, 0.0, x), inf),
    "where(zeros < x, x, 0 x)": (lambda x: torch.where(torch.zeros_like(x) < x, x, 0 * x), inf),
    "where(~(x > 0), 0, x)": (lambda x: torch.where(~(x > 0), 0.0, x), inf),
    "masked_fill": (lambda x: x.masked_fill(x < 0, 0), inf),
    "masked_fill_": (lambda x: x.clone().masked_fill_(x <= 0, 0), inf),
    "x (x > 0)": (lambda x: x * (x > 0), inf),
    "(x > 0) x": (lambda x: (x > 0) * x, inf),
    "x by a mask of numbers": (lambda x: x * (x > 0).to(x.dtype), inf),
    "x by a detached mask": (lambda x: x * (x.detach() > 0).float(), inf),
    "(x + |x|) / 2": (lambda x: (x + x.abs()) / 2, inf),
    "(|x| + x) 0.5": (lambda x: 0.5 * (x.abs() + x), inf),
    "clamp at a tensor": (lambda x: x.clamp(min=torch.tensor(0.0)), inf),
    "clamp between tensors": (lambda x: x.clamp(torch.zeros(1), torch.full((1,), 6.0)), 6),
    "clamp_min at a tensor": (lambda x: torch.clamp_min(x, torch.zeros(())), inf),
    "leaky ReLU of slope 0": (nn.LeakyReLU(0.0), inf),
    "RReLU of slope 0": (nn.RReLU(0.0, 0.0), inf),
    "PReLU of slope 0": (lambda x: F.prelu(x, torch.zeros(1)), inf),
    "ELU of alpha 0": (nn.ELU(0.0), inf),
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
    "ELU": nn.ELU(),
    "x by another mask": lambda x: x * (x.roll(1, 1) > 0),
    "x by its negative mask": lambda x: x * (x < 0),
    "where, the other way": lambda x: torch.where(x > 0, 0.0, x),
    "x + |y|, halved": lambda x: (x + x.roll(1, 1).abs()) / 2,
    "(x - |x|) / 2": lambda x: (x - x.abs()) / 2,
    "PReLU": lambda x: F.prelu(x, torch.full((1,), 0.25)),
    "maxout": lambda x: torch.maximum(x[:, :4], x[:, 4:]),
    "maximum with spread zeros": lambda x: torch.maximum(
        x.mean((2, 3), keepdim=True), torch.zeros(1, 1, 32, 32)
    ),
}
HIDDEN: dict[str, Function] = {
    "-min(-x, 0)": lambda x: -torch.minimum(-x, torch.zeros(())),
    "x - min(x, 0)": lambda x: x - x.clamp(max=0),
    "the largest of a stack": lambda x: torch.stack([x, torch.zeros_like(x)]).amax(0),
    "x by a step": lambda x: x * torch.heaviside(x, torch.zeros(())),
    "x (sign x + 1) / 2": lambda x: x * (torch.sign(x) + 1) / 2,
    "(x + √x²) / 2": lambda x: (x + (x * x).sqrt()) / 2,
    "sorted against zero": lambda x: torch.stack([x * 0.0, x]).sort(0).values[1],
    "clamp_min(0.1)": lambda x: x.clamp_min(0.1),
    "x by a shifted mask": lambda x: x * (x > 0.1),
    "clamp with one bound for each channel": lambda x: x.clamp(
        torch.zeros(1), torch.linspace(0.1, 1, 8).reshape(8, 1, 1)
    ),
    "maximum with a threshold for each channel": lambda x: torch.maximum(
        x, torch.linspace(-0.1, 0.1, 8).reshape(8, 1, 1)
    ),
}


@pytest.mark.parametrize("form", RECTIFIERS)
def test_every_form_of_relu_is_found_with_its_upper_bound(form: str) -> None:
    function, upper = RECTIFIERS[form]
    made = network(sandwich(middle_of(function)))
    assert [find_rectifier(node).upper for node in made.rectifiers(LOGITS)] == [upper]
    assert made.hidden_rectifiers(LOGITS) == []


@pytest.mark.parametrize("form", OTHERS)
def test_nothing_else_is_taken_for_one(form: str) -> None:
    made = network(sandwich(middle_of(OTHERS[form])))
    assert made.rectifiers(LOGITS) == made.hidden_rectifiers(LOGITS) == []


@pytest.mark.parametrize("form", HIDDEN)
def test_what_works_as_a_relu_and_is_not_recognized_is_refused_by_name(form: str) -> None:
    made = network(sandwich(middle_of(lambda x: F.relu(HIDDEN[form](x) - 0.1))))
    assert len(made.rectifiers(LOGITS)) == 1
    with pytest.raises(HiddenRectifier, match="work as a ReLU, but are not recognized"):
        refuse_hidden(made.hidden_rectifiers(LOGITS))


def test_the_epsilon_of_a_norm_is_no_threshold() -> None:
    made = network(sandwich(middle_of(lambda x: x / x.norm(dim=1, keepdim=True).clamp_min(1e-6))))
    assert made.hidden_rectifiers(LOGITS) == []


@pytest.mark.parametrize("form", [form for form in RECTIFIERS if "view" not in form])
def test_the_modified_gradient_is_that_of_the_module(form: str) -> None:
    """The same network with nn.Hardtanh(0, upper) in its place is the oracle, in float64."""
    function, upper = RECTIFIERS[form]
    for found, expected in zip(modified_gradients(function), oracle(upper), strict=True):
        assert float(expected.abs().max()) > 0
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-9)


@cache
def oracle(upper: float) -> list[Tensor]:
    return modified_gradients(nn.ReLU() if upper == inf else nn.Hardtanh(0, upper))


def modified_gradients(function: Function) -> list[Tensor]:
    """The gradients of a network that uses the function twice, by both rules."""

    def middle(net: Sandwich, x: Tensor) -> Tensor:
        return net.second(function(net.second(function(x))))

    torch.set_default_dtype(torch.float64)  # of the constants that a form makes
    try:
        made, x = network(sandwich(middle), 8), noise(1, 8).double().requires_grad_()
        values = [made.run(x, LOGITS, rule)[0, ::7].sum() for rule in (guided, deconvnet)]
    finally:
        torch.set_default_dtype(torch.float32)
    return [torch.autograd.grad(value, x)[0] for value in values]


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
