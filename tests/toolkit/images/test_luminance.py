"""Luminance apart from colour."""

import colorsys

import pytest
import torch

from workers.toolkit.images.luminance import luminance, match_luminance

PICTURE = torch.rand(1, 3, 4, 5, generator=torch.Generator().manual_seed(0))
OTHER = torch.rand(1, 3, 4, 5, generator=torch.Generator().manual_seed(1))


def yiq(picture: torch.Tensor) -> torch.Tensor:
    """Convert (1, 3, H, W) in RGB to (H · W, 3)."""
    return torch.tensor(
        [colorsys.rgb_to_yiq(*pixel) for pixel in picture[0].flatten(1).T.double().tolist()]
    )


def test_it_is_the_y_of_yiq() -> None:
    # The standard library rounds the weights to two digits.
    torch.testing.assert_close(
        luminance(PICTURE).flatten(), yiq(PICTURE)[:, 0].float(), atol=5e-3, rtol=0
    )


def test_grey_is_its_own() -> None:
    assert torch.equal(luminance(PICTURE[:, :1]), PICTURE[:, :1])


def test_matched_has_the_others_mean_and_contrast_and_its_own_order() -> None:
    grey, like = luminance(PICTURE), luminance(OTHER) * 0.3
    found = match_luminance(grey, like)
    assert float(found.mean()) == pytest.approx(float(like.mean()), abs=1e-6)
    assert float(found.std()) == pytest.approx(float(like.std()), rel=1e-5)
    assert torch.equal(found.flatten().argsort(), grey.flatten().argsort())


def test_a_flat_picture_can_be_matched() -> None:
    assert bool(match_luminance(torch.full((1, 1, 3, 3), 0.5), luminance(OTHER)).isfinite().all())
