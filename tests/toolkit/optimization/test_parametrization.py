"""Parametrizations that hold the pixels themselves, in other units or in part."""

import colorsys

import torch

from workers.toolkit.images.luminance import luminance
from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.optimization.parametrization import LuminanceOnly, MeanCentred, Pixels

PICTURE = torch.rand(1, 3, 4, 5, generator=torch.Generator().manual_seed(0))
OTHER = torch.rand(1, 3, 4, 5, generator=torch.Generator().manual_seed(1))


def yiq(picture: torch.Tensor) -> torch.Tensor:
    """Convert (1, 3, H, W) in RGB to (H · W, 3)."""
    pixels = picture[0].flatten(1).T.double().tolist()
    return torch.tensor([colorsys.rgb_to_yiq(*pixel) for pixel in pixels])


def test_pixels_are_clipped_only_to_limits_that_are_given() -> None:
    wide = 3 * PICTURE - 1
    limited, free = Pixels(wide, 0.0, 1.0), Pixels(wide)
    limited.clip()
    free.clip()
    assert torch.equal(limited.picture().detach(), wide.clamp(0, 1))
    assert torch.equal(free.picture().detach(), wide)


def test_mean_centred_units_are_levels_less_the_mean() -> None:
    preprocessing = Preprocessing(36, 32, "bilinear", (0.5, 0.4, 0.3), (0.2, 0.25, 0.3))
    x = 255 * torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)) - 100
    picture = MeanCentred(x, preprocessing).picture()
    assert torch.allclose(picture[0, 1], x[0, 1] / 255 + 0.4)
    assert torch.allclose(MeanCentred.of(picture, preprocessing), x, atol=1e-4)


def test_changing_the_luminance_leaves_the_colours() -> None:
    made = LuminanceOnly(OTHER, colours=PICTURE)
    torch.testing.assert_close(luminance(made.picture()), luminance(OTHER))
    with torch.no_grad():
        made.parameters[0].mul_(0.5)
    torch.testing.assert_close(
        yiq(made.picture().detach())[:, 1:], yiq(PICTURE)[:, 1:], atol=5e-3, rtol=0
    )
    torch.testing.assert_close(LuminanceOnly(PICTURE, PICTURE).picture().detach(), PICTURE)
