"""Colours moved to another mean and covariance."""

import torch

from workers.toolkit.images.recolour import match_colours

GENERATOR = torch.Generator().manual_seed(0)
PICTURE = 0.5 + 0.1 * torch.randn(1, 3, 20, 20, generator=GENERATOR)
MEAN = torch.tensor([0.4, 0.5, 0.6])
MIX = 0.05 * torch.randn(3, 3, generator=GENERATOR)
COVARIANCE = MIX @ MIX.T


def test_mean_and_covariance_are_those_asked_for() -> None:
    pixels = match_colours(PICTURE, MEAN, COVARIANCE)[0].flatten(1)
    torch.testing.assert_close(pixels.mean(1), MEAN, atol=1e-3, rtol=0)
    torch.testing.assert_close(torch.cov(pixels, correction=0), COVARIANCE, atol=2e-4, rtol=0.02)


def test_its_own_colours_change_nothing() -> None:
    pixels = PICTURE[0].flatten(1)
    same = match_colours(PICTURE, pixels.mean(1), torch.cov(pixels, correction=0))
    torch.testing.assert_close(same, PICTURE.clamp(0, 1), atol=5e-3, rtol=0)


def test_channels_that_do_not_mix_are_stretched_one_by_one() -> None:
    """With a diagonal covariance on both sides the map is the ratio of the deviations."""
    level = torch.tensor([-1.0, 1.0])
    grid = torch.cartesian_prod(level, level, level).T.reshape(1, 3, 2, 4)
    found = match_colours(
        0.5 + 0.1 * grid, torch.full((3,), 0.5), torch.diag(torch.tensor([0.04, 0.01, 0.0025]))
    )
    expected = 0.5 + grid * torch.tensor([0.2, 0.1, 0.05])[:, None, None]
    torch.testing.assert_close(found, expected, atol=2e-3, rtol=0)


def test_one_colour_and_grey_are_taken() -> None:
    flat = match_colours(torch.full((1, 3, 4, 4), 0.2), MEAN, COVARIANCE)
    torch.testing.assert_close(flat.mean((0, 2, 3)), MEAN)
    grey = match_colours(PICTURE[:, :1], torch.tensor([0.3]), torch.tensor([[0.01]]))
    assert abs(float(grey.std(correction=0)) - 0.1) < 2e-3
