"""The norms and the picture of a difference, computed by hand."""

from math import sqrt

import numpy as np
import pytest
from PIL import Image

from workers.toolkit.images.perturbation import Perturbation


def change(channels: int = 3) -> Perturbation:
    before = np.full((4, 5, channels), 100, dtype=np.uint8)
    after = before.copy()
    after[0, 0, 0] = 103
    after[0, 0, -1] = 98 if channels > 1 else 103
    after[3, 4, 0] = 99
    made = [Image.fromarray(one[..., 0] if channels == 1 else one) for one in (before, after)]
    return Perturbation.between(made[0], made[1])


def test_norms() -> None:
    assert change().l0 == 2
    assert change().l2 == pytest.approx(sqrt(3**2 + 2**2 + 1) / 255)
    assert change().linf_levels == 3
    assert (change(1).l0, change(1).linf_levels) == (2, 3)


def test_a_fall_is_not_taken_for_a_rise() -> None:
    """In 8 bits without sign 0 − 255 would be 1."""
    white, black = Image.new("RGB", (2, 2), "white"), Image.new("RGB", (2, 2))
    assert Perturbation.between(white, black).linf_levels == 255
    assert Perturbation.between(white, black).l2 == pytest.approx(sqrt(12))


def test_the_picture_is_the_change_amplified_around_grey() -> None:
    shown = np.asarray(change().picture()).astype(int)
    factor = change().amplification
    assert factor > 40
    assert shown[1, 1].tolist() == [128, 128, 128]
    assert shown[0, 0].tolist() == [min(255, round(128 + 3 * factor)), 128, round(128 - 2 * factor)]
    assert shown[3, 4].tolist() == [round(128 - factor), 128, 128]


def test_no_change_is_grey() -> None:
    same = Perturbation.between(Image.new("L", (3, 2)), Image.new("L", (3, 2)))
    assert (same.l0, same.l2, same.linf_levels, same.amplification) == (0, 0, 0, 1)
    assert set(np.asarray(same.picture()).flat) == {128}
