"""Gradients by finite differences, and what happens when there is none."""

import pytest
import torch
from torch import Tensor

from tests.tiny import TinyNetwork, seeded
from tests.toolkit.networks import Sandwich, network, noise, sandwich
from workers.toolkit.errors import NotFinite
from workers.toolkit.execution.input_gradient import input_gradient, strongest_channel
from workers.toolkit.network.unit import Unit


def bent(_net: Sandwich, x: Tensor) -> Tensor:
    return x.tanh()


def test_the_gradient_is_the_slope() -> None:
    made, unit, x = network(sandwich(bent)), Unit("mark", 2, (16, 20)), noise(1)
    gradient = input_gradient(made, unit, x)[0]
    for channel, row, column in ((0, 16, 20), (1, 15, 19), (2, 17, 21), (0, 5, 5)):
        step = torch.zeros_like(x)
        step[0, channel, row, column] = 1e-2
        with torch.no_grad():
            slope = (unit.value(made, x + step) - unit.value(made, x - step)) / 2e-2
        assert float(gradient[channel, row, column]) == pytest.approx(float(slope), abs=1e-4)
    assert gradient[1, 15, 19].abs() > 1e-3
    assert gradient[0, 5, 5] == 0


def test_images_of_a_batch_do_not_mix() -> None:
    made, unit, x = network(seeded(TinyNetwork)), Unit("", 3), noise(4)
    alone = torch.cat([input_gradient(made, unit, image[None]) for image in x])
    torch.testing.assert_close(input_gradient(made, unit, x), alone, atol=1e-7, rtol=1e-5)


def test_the_image_keeps_its_flags_and_gradients_work_under_no_grad() -> None:
    made, x = network(seeded(TinyNetwork)), noise(1)
    with torch.no_grad():
        assert input_gradient(made, Unit("", 3), x).any()
    assert not x.requires_grad
    assert x.grad is None


def test_a_gradient_that_is_no_number_is_refused() -> None:
    def root(_net: Sandwich, x: Tensor) -> Tensor:
        return (x * 0).sqrt()

    with pytest.raises(NotFinite):
        input_gradient(network(sandwich(root)), Unit("mark", 0), noise(1))


def test_the_strongest_channel_keeps_its_sign() -> None:
    gradient = torch.tensor([[[1.0, -2.0]], [[-3.0, 0.5]], [[2.0, 1.0]]])
    assert strongest_channel(gradient).tolist() == [[-3.0, -2.0]]
