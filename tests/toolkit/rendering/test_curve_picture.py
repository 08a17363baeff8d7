"""The picture of a check: each curve is drawn where its scores are."""

import numpy as np
import pytest
from numpy.typing import NDArray

from workers.toolkit.rendering.curve_picture import _CONTROL, _MAP, Panel, curve_picture

FRACTIONS = [0.0, 0.5, 1.0]


def panels(
    deletion: list[float], insertion: list[float], elsewhere: list[float]
) -> tuple[Panel, Panel]:
    return (
        Panel("Hiding", "probability", FRACTIONS, deletion, 0.5, elsewhere, 0.5),
        Panel("Showing", "probability", FRACTIONS, insertion, 0.5, elsewhere, 0.5),
    )


def rows(picture: NDArray[np.uint8], color: tuple[int, int, int], column: int) -> list[int]:
    """Rows below the titles where that column has that colour, nearly."""
    near = np.abs(picture[46:233, column].astype(int) - color).max(1) < 40
    return [46 + int(row) for row in near.nonzero()[0]]


def test_high_scores_are_drawn_above_low_ones_in_both_panels() -> None:
    picture = np.asarray(curve_picture(*panels([1.0, 0.8, 0.6], [0.1, 0.3, 0.2], [0.5, 0.5, 0.5])))
    column = 52 + 60  # within the first panel, at a fifth
    assert max(rows(picture, _MAP, column)) < min(rows(picture, _CONTROL, column))
    assert min(rows(picture, _MAP, 360 + column)) > max(rows(picture, _CONTROL, 360 + column))


@pytest.mark.parametrize("level", [0.0, -3.0, 1e6])
def test_constant_and_negative_scores_can_be_drawn(level: float) -> None:
    picture = curve_picture(*panels([level] * 3, [level] * 3, [level] * 3))
    assert picture.size == (720, 270)
    assert rows(np.asarray(picture), _MAP, 200)
