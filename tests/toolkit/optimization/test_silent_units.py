"""Units behind ReLUs that are off: their gradients against autograd, and what is said of them."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.far28 import far28, far28_module, plain
from tests.tiny import seeded
from tests.toolkit.networks import network, noise
from workers.toolkit.network.network import LOGITS
from workers.toolkit.network.rectifiers import redirected
from workers.toolkit.network.unit import Unit
from workers.toolkit.network.vision_model import VisionModel
from workers.toolkit.optimization.silent_units import answering_value, refusal, silent_at

WAKES = Unit("r2", 7)


@pytest.fixture(scope="module")
def model() -> VisionModel:
    return far28()


def answered(model: VisionModel, unit: Unit, x: Tensor) -> tuple[Tensor, Tensor]:
    x = x.clone().requires_grad_()
    value = answering_value(model.network, unit, x, None, redirected)
    (gradient,) = torch.autograd.grad(value.sum(), x)
    return value.detach(), gradient


def before_relu(x: Tensor, channel: int) -> Tensor:
    """Return the gradient of the channel's mean before its ReLU, in double precision."""
    module = far28_module().double()
    x = x.double().requires_grad_()
    c2 = module.c2(module.p1(F.relu(module.c1(x))))  # type: ignore[operator]
    (gradient,) = torch.autograd.grad(c2[:, channel].mean(), x)
    return gradient


def test_a_silent_unit_has_the_gradient_of_the_value_before_its_relu(model: VisionModel) -> None:
    grain = torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    x = model.preprocessing.normalize(plain(0.35) + 0.05 * grain)
    value, gradient = answered(model, WAKES, x)
    assert float(value) == 0
    expected = before_relu(x, 7)
    assert float(expected.abs().max()) > 0
    torch.testing.assert_close(gradient.double(), expected, rtol=1e-4, atol=1e-7)


def test_among_several_images_only_those_without_gradient_are_redirected(
    model: VisionModel,
) -> None:
    coarse = torch.rand(200, 1, 7, 7, generator=torch.Generator().manual_seed(0)).round()
    awake = model.preprocessing.normalize(F.interpolate(coarse, scale_factor=4.0))
    awake = awake[~silent_at(model.network, WAKES, awake)][:1]
    silent = model.preprocessing.normalize(plain())
    _, both = answered(model, WAKES, torch.cat([awake, silent]))
    leaf = awake.clone().requires_grad_()
    (alone,) = torch.autograd.grad(WAKES.value(model.network, leaf).sum(), leaf)
    torch.testing.assert_close(both[:1], alone)
    assert both[1].any()


def test_a_unit_that_fires_has_the_very_bits_of_plain_ascent() -> None:
    sound, x = network(seeded(Saturating)), noise(2)
    leaf = x.clone().requires_grad_()
    value = Unit("conv", 1).value(sound, leaf)
    (expected,) = torch.autograd.grad((-value).sum(), leaf)
    leaf = x.clone().requires_grad_()
    answer = answering_value(sound, Unit("conv", 1), leaf, None, redirected)
    (found,) = torch.autograd.grad((-answer).sum(), leaf)
    assert torch.equal(answer, value) and torch.equal(found, expected)


class Saturating(nn.Module):
    """A ReLU6 that is at its upper bound everywhere, and a network that is dead behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3, padding=1)
        self.high = nn.ReLU6()
        self.low = nn.ReLU()
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Linear(2, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.high(self.conv(x) + 1000)
        return self.head(self.pool(self.low(x - 1000)).mean((2, 3)))


def test_a_rectifier_at_its_upper_bound_is_not_silent() -> None:
    saturating = network(seeded(Saturating))
    assert not silent_at(saturating, Unit("high", 1), noise(1)).any()
    assert silent_at(saturating, Unit("low", 1), noise(1)).all()
    assert silent_at(saturating, Unit("pool", 1), noise(1)).all()
    assert not silent_at(saturating, Unit("conv", 1), noise(1)).any()


@pytest.mark.parametrize(
    ("unit", "named"),
    [
        (Unit("r2", 5), "r2:5 is silent at that: its ReLU is off everywhere.*ReLU: c2:5."),
        (Unit("r2", 5, (4, 2)), "ReLU: c2:5@4,2."),
        (Unit("r2"), "ReLU: c2."),
        (Unit("p1", 3), "ReLU: c1:3."),
        (Unit("c3", 1), "c3:1 .*Choose an earlier layer."),
        (Unit(LOGITS, 1), "class:1 .*Choose an earlier layer."),
    ],
)
def test_the_layer_before_the_relu_is_named(model: VisionModel, unit: Unit, named: str) -> None:
    error = refusal(model.network, unit, "that")
    assert error.code == "unit_silent"
    with pytest.raises(type(error), match=named):
        raise error
