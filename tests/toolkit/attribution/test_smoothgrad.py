"""SmoothGrad averages over copies whose noise the seed alone decides."""

import pytest
import torch
from torch import Tensor

from tests.tiny import TinyNetwork, seeded
from tests.toolkit.networks import Sandwich, network, noise, sandwich
from workers.toolkit.attribution.smoothgrad import NoisyCopies, smoothgrad
from workers.toolkit.execution.input_gradient import input_gradient
from workers.toolkit.network.unit import Unit


def silent(_done: int, _total: int, _message: str) -> None:
    pass


def squared(_net: Sandwich, x: Tensor) -> Tensor:
    return x * x


def test_progress_of_noisy_copies_is_told_batch_by_batch() -> None:
    told: list[tuple[int, int]] = []
    made, unit = network(seeded(TinyNetwork)), Unit("conv1", 0)
    smoothgrad(
        lambda x: input_gradient(made, unit, x),
        noise(1),
        NoisyCopies(samples=19, noise=0.1, seed=0),
        lambda done, total, _message: told.append((done, total)),
    )
    assert told == [(0, 19), (8, 19), (16, 19), (19, 19)]


@pytest.mark.parametrize("samples", [2, 9])
def test_where_the_gradient_is_linear_smoothgrad_is_the_gradient_at_the_mean_noise(
    samples: int,
) -> None:
    made, unit, x = network(sandwich(squared)), Unit("mark", 0), noise(1)
    drawn = NoisyCopies(samples, noise=0.5, seed=3)
    ours = smoothgrad(lambda copies: input_gradient(made, unit, copies), x, drawn, silent)
    generator = torch.Generator().manual_seed(3)
    grain = sum(torch.randn(3, 32, 32, generator=generator) for _ in range(samples)) / samples
    expected = input_gradient(made, unit, x + 0.5 * (x.max() - x.min()) * grain)[0]
    torch.testing.assert_close(ours, expected, atol=1e-6, rtol=1e-4)
