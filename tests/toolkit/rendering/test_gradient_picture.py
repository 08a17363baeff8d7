"""A gradient as a picture: zero is mid-grey, and each channel keeps its sign."""

import numpy as np
import pytest
import torch

from workers.toolkit.rendering.gradient_picture import gradient_picture


def test_a_gradient_is_mid_grey_at_zero_and_keeps_its_sign_per_channel() -> None:
    gradient = torch.zeros(3, 40, 40)
    gradient[0, 10:20], gradient[2, 10:20], gradient[1, 30:35] = 2.0, -2.0, 1.0
    picture = gradient_picture(gradient)
    assert picture.getpixel((5, 5)) == pytest.approx((128, 128, 128), abs=1)
    assert picture.getpixel((5, 15)) == pytest.approx((255, 128, 0), abs=1)
    assert picture.getpixel((5, 32)) == pytest.approx((128, 191, 128), abs=1)
    assert gradient_picture(torch.zeros(3, 4, 4)).getpixel((0, 0)) == pytest.approx(
        (128, 128, 128), abs=1
    )


def test_a_gradient_of_a_small_grey_input_is_large_enough_to_be_seen() -> None:
    gradient = torch.linspace(-1, 1, 64).view(1, 8, 8)
    picture = gradient_picture(gradient)
    assert picture.size == (64, 64)
    assert len(np.unique(np.asarray(picture)[:8, 8:16])) == 1
    assert picture.getpixel((0, 0)) == (0, 0, 0) and picture.getpixel((63, 63)) == (255, 255, 255)
