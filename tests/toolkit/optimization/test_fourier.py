"""Fourier pictures reach any photograph; a photograph's spectrum gives the photograph back."""

import numpy as np
import pytest
import torch

from tests.tiny import photo
from workers.toolkit.images.picture import from_image
from workers.toolkit.optimization.fourier import Fourier


@pytest.mark.parametrize(("channels", "height", "width"), [(3, 32, 48), (3, 31, 17), (1, 28, 28)])
def test_of_a_picture_is_that_picture(channels: int, height: int, width: int) -> None:
    picture = from_image(photo(width, height, seed=3), channels).clamp(0.02, 0.98)
    assert torch.allclose(Fourier.of(picture).picture(), picture, atol=1e-4)


def test_black_and_white_stay_finite() -> None:
    picture = torch.tensor([0.0, 1.0]).repeat(1, 3, 8, 4)
    assert (Fourier.of(picture).picture() - picture).abs().max() < 0.011


def test_it_can_fit_a_photograph() -> None:
    """The mean error is below 0.01 within 1,000 steps of Adam (.05), as in Lucid's own test."""
    goal = from_image(photo(112, 112, seed=2))
    made = Fourier.noise(1, 3, 112, 112, torch.Generator().manual_seed(0))
    adam = torch.optim.Adam(made.parameters, lr=0.05)
    for _ in range(1000):
        error = (made.picture() - goal).abs().mean()
        if float(error.detach()) < 0.01:
            return
        adam.zero_grad()
        (made.picture() - goal).square().mean().backward()
        adam.step()
    pytest.fail(f"still {float(error.detach()):.3f} away")


def test_low_frequencies_move_most() -> None:
    """Of spectra with equal noise at every frequency, the picture's falls like 1 / frequency."""
    picture = Fourier.noise(64, 1, 64, 64, torch.Generator().manual_seed(0)).picture().detach()
    power = torch.fft.rfft2(picture - 0.5).abs().mean((0, 1)).numpy()
    assert power[0, 2] / power[0, 16] == pytest.approx(8, rel=0.3)
    assert power[4, 0] / power[16, 0] == pytest.approx(4, rel=0.3)


def test_noise_comes_from_the_generator() -> None:
    one, same, other = (
        Fourier.noise(1, 3, 8, 8, torch.Generator().manual_seed(seed)).picture().detach().numpy()
        for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("width", [4, 5])
def test_gradients(width: int) -> None:
    """The gradient of the picture by its spectrum equals finite differences."""
    fourier = Fourier(torch.randn(1, 3, 3, width // 2 + 1, 2, dtype=torch.double), 3, width)

    def picture(spectrum: torch.Tensor) -> torch.Tensor:
        fourier.parameters = [spectrum]
        return fourier.picture()

    assert torch.autograd.gradcheck(picture, fourier.parameters[0])
