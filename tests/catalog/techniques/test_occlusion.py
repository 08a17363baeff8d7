"""Which grids of patches are accepted, and how many patches they have."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import InvalidParameters, TooExpensive
from catalog.models import DEFAULT_MODEL, find_model
from catalog.techniques.occlusion import MAX_POSITIONS, OcclusionParams, ResolvedOcclusion
from workers.toolkit.occlusion.grid import rectangles

MODEL = find_model(DEFAULT_MODEL)  # 224 × 224


@settings(deadline=None, database=None)
@given(st.data())
def test_the_number_of_positions_is_the_number_of_patches(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 60))
    window = data.draw(st.integers(1, size))
    stride = data.draw(st.integers(1, window))
    positions = ResolvedOcclusion(window=window, stride=stride, score="probability").positions(size)
    assert positions == len(rectangles(size, size, window, stride))


@pytest.mark.parametrize(("window", "stride"), [(32, 8), (224, 224), (224, 1), (2, 2)])
def test_ordinary_grids_are_accepted(window: int, stride: int) -> None:
    ResolvedOcclusion(window=window, stride=stride, score="probability").validate_for(MODEL, ())


def test_the_limit_itself_is_accepted_and_the_next_grid_is_not() -> None:
    assert (
        ResolvedOcclusion(window=84, stride=1, score="probability").positions(224)
        == 141**2
        <= MAX_POSITIONS
        < 142**2
    )
    ResolvedOcclusion(window=84, stride=1, score="probability").validate_for(MODEL, ())
    with pytest.raises(TooExpensive, match="20,164 positions; the limit is 20,000") as refused:
        ResolvedOcclusion(window=83, stride=1, score="probability").validate_for(MODEL, ())
    assert [violation.pointer for violation in refused.value.errors] == ["/stride"]


@pytest.mark.parametrize(
    ("window", "stride", "pointer", "sentence"),
    [
        (225, 8, "/window", "sees 224 × 224 pixels. At most 224"),
        (8, 9, "/stride", "would leave pixels uncovered"),
        (4096, 4096, "/window", "At most 224"),
    ],
)
def test_what_the_model_cannot_do_is_refused_by_pointer(
    window: int, stride: int, pointer: str, sentence: str
) -> None:
    with pytest.raises(InvalidParameters, match=sentence) as refused:
        ResolvedOcclusion(window=window, stride=stride, score="probability").validate_for(MODEL, ())
    assert [violation.pointer for violation in refused.value.errors] == [pointer]


@pytest.mark.parametrize(
    ("size", "window", "stride"),
    [(224, 32, 8), (448, 64, 16), (299, 43, 11), (32, 5, 2), (8, 2, 1), (1, 1, 1)],
)
def test_the_defaults_grow_with_the_input_and_are_written_out(
    size: int, window: int, stride: int
) -> None:
    seen = MODEL.preprocessing.model_copy(update={"resize": size, "crop": size})
    model = MODEL.model_copy(update={"preprocessing": seen})
    params = OcclusionParams().resolved(model)
    assert (params.window, params.stride) == (window, stride)
    params.validate_for(model, ())
    given = OcclusionParams(window=1).resolved(model)
    assert (given.window, given.stride) == (1, 1)


@pytest.mark.parametrize(
    "given", [{"window": 0}, {"stride": 0}, {"window": -8}, {"fill": "pink"}, {"score": "loss"}]
)
def test_nonsense_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="Input should be"):
        OcclusionParams(**given)
