"""Which masks are accepted."""

import pytest

from catalog.errors import InvalidParameters, TooExpensive
from catalog.models import DEFAULT_MODEL, find_model
from catalog.techniques.rise import MAX_MASKS, RiseParams

MODEL = find_model(DEFAULT_MODEL)  # 224 × 224


@pytest.mark.parametrize("given", [{}, {"masks": MAX_MASKS}, {"grid": 224}, {"probability": 0.01}])
def test_ordinary_masks_are_accepted(given: dict[str, float]) -> None:
    RiseParams(**given).resolved(MODEL).validate_for(MODEL, ())


def test_too_many_masks_are_refused() -> None:
    with pytest.raises(TooExpensive, match="20,001 forward passes; the limit is 20,000") as refused:
        RiseParams(masks=MAX_MASKS + 1).resolved(MODEL).validate_for(MODEL, ())
    assert [violation.pointer for violation in refused.value.errors] == ["/masks"]


def test_more_cells_than_pixels_are_refused() -> None:
    with pytest.raises(InvalidParameters, match="sees 224 × 224 pixels") as refused:
        RiseParams(grid=225).resolved(MODEL).validate_for(MODEL, ())
    assert [violation.pointer for violation in refused.value.errors] == ["/grid"]


@pytest.mark.parametrize(
    "given", [{"masks": 0}, {"grid": 1}, {"probability": 0}, {"probability": 1}, {"fill": "pink"}]
)
def test_nonsense_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="Input should be"):
        RiseParams(**given)
