"""The picture of a check: each curve is drawn where its scores are."""

import numpy as np
import pytest
from numpy.typing import NDArray

from workers.toolkit.rendering.curve_picture import _ELSEWHERE, _MAP, curve_picture

FRACTIONS = [0.0, 0.5, 1.0]


def check(
    deletion: list[float], insertion: list[float], elsewhere: list[float]
) -> dict[str, object]:
    curves = {
        "deletion": deletion,
        "insertion": insertion,
        "random_deletion": elsewhere,
        "random_insertion": elsewhere,
    }
    areas = {f"{name}_auc": 0.5 for name in curves}
    return {"fractions": FRACTIONS, "score": "probability", **curves, **areas}


def rows(picture: NDArray[np.uint8], color: tuple[int, int, int], column: int) -> list[int]:
    """Rows below the titles where that column has that colour, nearly."""
    near = np.abs(picture[46:233, column].astype(int) - color).max(1) < 40
    return [46 + int(row) for row in near.nonzero()[0]]


def test_high_scores_are_drawn_above_low_ones_in_both_panels() -> None:
    picture = np.asarray(curve_picture(check([1.0, 0.8, 0.6], [0.1, 0.3, 0.2], [0.5, 0.5, 0.5])))
    column = 52 + 60  # within the first panel, at a fifth
    assert max(rows(picture, _MAP, column)) < min(rows(picture, _ELSEWHERE, column))
    assert min(rows(picture, _MAP, 360 + column)) > max(rows(picture, _ELSEWHERE, 360 + column))


@pytest.mark.parametrize("level", [0.0, -3.0, 1e6])
def test_constant_and_negative_scores_can_be_drawn(level: float) -> None:
    picture = curve_picture(check([level] * 3, [level] * 3, [level] * 3))
    assert picture.size == (720, 270)
    assert rows(np.asarray(picture), _MAP, 200)
