"""The index against sorting everything at once."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.image_set import TOP as TOP_OF_THE_MENU
from workers.toolkit.activations.activation_index import TOP, ActivationIndex, maxima


def filled(values: np.ndarray, places: np.ndarray, chunks: list[int]) -> ActivationIndex:
    index, start = ActivationIndex.empty(values.shape[1], "an preprocessing"), 0
    for chunk in [*chunks, len(values)]:
        part = slice(start, min(start + chunk, len(values)))
        index = index.extended(values[part], places[part])
        start = part.stop
    return index


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 150), st.lists(st.integers(0, 40), max_size=6))
def test_any_way_of_filling_it_gives_the_best_images_in_order(
    seed: int, count: int, chunks: list[int]
) -> None:
    generator = np.random.default_rng(seed)
    values = generator.integers(-5, 6, (count, 3)).astype(np.float32)  # many ties
    places = generator.integers(0, 9, (count, 3, 2)).astype(np.int32)
    index = filled(values, places, chunks)
    assert index.covered == count
    for channel in range(3):
        best = sorted(range(count), key=lambda i: (-values[i, channel], i))[:TOP]
        assert index.images[channel].tolist() == best
        assert index.values[channel].tolist() == values[best, channel].tolist()
        assert index.places[channel].tolist() == places[best, channel].tolist()


def test_survives_being_written_and_read() -> None:
    generator = np.random.default_rng(0)
    index = filled(
        generator.normal(size=(5, 4)).astype(np.float32),
        generator.integers(0, 9, (5, 4, 2), np.int32),
        [2],
    )
    again = ActivationIndex.read(index.write())
    assert again is not None
    assert (again.covered, again.made_by) == (5, "an preprocessing")
    for name in ("values", "images", "places"):
        assert np.array_equal(getattr(again, name), getattr(index, name))


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no zip", b"\x80\x04K\x01."])
def test_what_is_no_index_is_none(damage: bytes) -> None:
    assert ActivationIndex.read(damage) is None


def test_a_cut_file_is_none() -> None:
    data = ActivationIndex.empty(4, "an preprocessing").write()
    assert all(ActivationIndex.read(data[:end]) is None for end in range(0, len(data) - 1, 97))


def test_maxima_are_the_largest_values_and_where_they_are() -> None:
    output = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    values, places = maxima(output)
    for image in range(2):
        for channel in range(3):
            y, x = places[image, channel]
            assert (
                values[image, channel]
                == output[image, channel].max()
                == output[image, channel, y, x]
            )


def test_the_menu_knows_how_many_images_are_kept() -> None:
    assert TOP == TOP_OF_THE_MENU
