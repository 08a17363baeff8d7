"""Pixel replacement: ranks, counts, curves against a naive loop, and areas derived by hand."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tests.toolkit.networks import noise
from workers.toolkit.attribution.pixel_replacement import (
    area,
    pixel_counts,
    pixel_ranks,
    replace_pixels,
)
from workers.toolkit.errors import NotFinite


def silent(_done: int) -> None:
    pass


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def total(batch: Tensor) -> Tensor:
    return batch.sum((1, 2, 3))


def test_a_linear_models_areas_are_those_derived_by_hand() -> None:
    """The model is f = Σ x over the pixels 4, 1, 3, 2.

    Deleted from the highest, the scores are 10, 6, 3, 1, 0; inserted, they are 0, 4, 7, 9, 10.
    By trapezoids of width 1/4, the areas are (10/2 + 6 + 3 + 1 + 0/2)/4 = 3.75 and
    (0/2 + 4 + 7 + 9 + 10/2)/4 = 6.25.
    """
    x = torch.tensor([[[[4.0, 1.0], [3.0, 2.0]]]])
    ranks, counts = pixel_ranks(x[0, 0], seeded()), pixel_counts(4)
    deletion = replace_pixels(total, x, 0 * x, ranks, counts, silent)
    insertion = replace_pixels(total, 0 * x, x, ranks, counts, silent)
    assert deletion.tolist() == [10, 6, 3, 1, 0]
    assert insertion.tolist() == [0, 4, 7, 9, 10]
    fractions = [count / 4 for count in counts]
    assert (area(fractions, deletion.tolist()), area(fractions, insertion.tolist())) == (3.75, 6.25)


def test_curves_are_those_of_a_naive_loop() -> None:
    x, other, values = noise(1, 9), noise(1, 9, seed=2), noise(1, 9, seed=3)[0, 0]
    counts = pixel_counts(81, 7)
    score = lambda batch: batch.square().sum((1, 2, 3)) + batch[:, 0, 0, 0]  # noqa: E731
    ours = replace_pixels(score, x, other, pixel_ranks(values, seeded()), counts, silent, batch=3)
    order = sorted((-float(values[y, z]), y, z) for y in range(9) for z in range(9))
    expected, image, taken = [], x.clone(), 0
    for count in counts:
        for _, y, z in order[taken:count]:
            image[0, :, y, z] = other[0, :, y, z]
        taken = count
        expected.append(float(score(image)))
    torch.testing.assert_close(ours, torch.tensor(expected))


def test_the_highest_value_comes_first_and_equal_ones_in_random_order() -> None:
    values = torch.tensor([[0.0, 5.0, 0.0], [-1.0, 0.0, 7.0]])
    ranks = [pixel_ranks(values, seeded(seed)) for seed in range(20)]
    assert {(int(r[1, 2]), int(r[0, 1]), int(r[1, 0])) for r in ranks} == {(0, 1, 5)}
    assert len({(int(r[0, 0]), int(r[0, 2]), int(r[1, 1])) for r in ranks}) == 6
    assert all(sorted(r.flatten().tolist()) == list(range(6)) for r in ranks)


@given(st.integers(1, 5000), st.integers(1, 40))
def test_cuts_go_from_none_to_all_in_equal_steps(pixels: int, steps: int) -> None:
    counts = pixel_counts(pixels, steps)
    widths = [after - before for before, after in pairwise(counts)]
    assert (counts[0], counts[-1], len(widths)) == (0, pixels, min(steps, pixels))
    assert min(widths) >= 1
    assert max(widths) - min(widths) <= 1


def test_an_area_is_exact_for_a_straight_line_in_unequal_steps() -> None:
    assert area([0, 0.1, 0.7, 1], [3, 3.2, 4.4, 5]) == pytest.approx(4)


def test_the_image_is_not_changed_and_progress_is_told() -> None:
    x, told = noise(1, 6), []
    kept = x.clone()
    replace_pixels(
        total, x, x * 0, pixel_ranks(x[0, 0], seeded()), pixel_counts(36, 9), told.append, batch=4
    )
    assert torch.equal(x, kept)
    assert told == [0, 4, 8, 10]


def test_a_score_that_is_no_number_is_refused() -> None:
    x = noise(1, 6)
    with pytest.raises(NotFinite, match="without `check`"):
        replace_pixels(
            lambda batch: total(batch) / total(batch),
            x,
            x * 0,
            pixel_ranks(x[0, 0], seeded()),
            pixel_counts(36),
            silent,
        )
