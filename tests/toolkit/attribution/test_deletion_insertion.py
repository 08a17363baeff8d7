"""Deletion and insertion: a true map beats its shifted copies, and its negative loses."""

import pytest
import torch
from torch import Tensor

from tests.toolkit.networks import noise
from workers.toolkit.attribution.deletion_insertion import (
    SHIFTED_COPIES,
    DeletionInsertion,
    deletion_insertion,
    passes,
    shifted_map,
)
from workers.toolkit.attribution.pixel_replacement import STEPS
from workers.toolkit.images.baselines import blur

SIDE = 20
EDGE = SIDE / 22  # the blur


def silent(_done: int) -> None:
    pass


def spot() -> Tensor:
    """Positive weights in one corner, (1, SIDE, SIDE)."""
    weight = torch.zeros(1, SIDE, SIDE)
    weight[:, 2:9, 3:8] = 1 + noise(1, SIDE)[0, :1, 2:9, 3:8].abs()
    return weight


def found(marks: Tensor, weight: Tensor, x: Tensor, seed: int = 0) -> DeletionInsertion:
    return deletion_insertion(
        lambda batch: (batch * weight).flatten(1).sum(1), x, marks, seed, silent
    )


def test_on_a_linear_model_the_curves_are_sums_of_the_sorted_parts() -> None:
    x, weight = noise(1, SIDE), noise(1, SIDE, seed=2)[0]
    parts = (x[0] * weight).sum(0)
    ours = found(parts, weight, x)
    falling = parts.flatten().double().sort(descending=True).values
    each = SIDE**2 // STEPS
    left = [float(falling[step * each :].sum()) for step in range(STEPS + 1)]
    assert ours.fractions == pytest.approx([step / STEPS for step in range(STEPS + 1)])
    assert ours.deletion == pytest.approx(left, abs=1e-3)
    assert ours.deletion_auc == pytest.approx(
        (sum(left) - (left[0] + left[-1]) / 2) / STEPS, abs=1e-3
    )
    # Insertion begins at the blurred image: a pixel adds its part and removes the blurred one.
    blurred = (blur(x, EDGE)[0] * weight).sum(0)
    order = parts.flatten().argsort(descending=True)
    gains = (parts - blurred).flatten()[order].double()
    shown = [float(blurred.sum() + gains[: step * each].sum()) for step in range(STEPS + 1)]
    assert ours.insertion == pytest.approx(shown, abs=1e-3)


def test_the_truth_beats_the_map_laid_elsewhere_and_its_negative_loses() -> None:
    weight, x = spot(), torch.ones(1, 1, SIDE, SIDE) + 0.3 * noise(1, SIDE)[:, :1]
    true, false = found(weight[0], weight, x), found(-weight[0], weight, x)
    assert true.deletion_auc < 0.5 * true.random_deletion_auc
    assert false.deletion_auc > false.random_deletion_auc
    gain = true.insertion_auc - true.random_insertion_auc
    loss = false.insertion_auc - false.random_insertion_auc
    assert gain > 0 > loss


def test_all_curves_of_a_kind_share_their_ends() -> None:
    weight, x = spot(), noise(1, SIDE)[:, :1]
    curves = vars(found(noise(1, SIDE, seed=3)[0, 0], weight, x))
    score, blurred = float((x * weight).sum()), float((blur(x, EDGE) * weight).sum())
    for prefix in ("", "random_"):
        deletion, insertion = curves[prefix + "deletion"], curves[prefix + "insertion"]
        assert (deletion[0], deletion[-1]) == pytest.approx((score, 0), abs=1e-4)
        ends = insertion[0], insertion[-1]
        assert ends == pytest.approx((blurred, score), abs=1e-4)


def test_a_moved_map_has_the_same_values_at_least_a_quarter_away() -> None:
    marks = torch.zeros(8, 12)
    marks[0, 0] = 1
    places = [
        divmod(int(shifted_map(marks, torch.Generator().manual_seed(seed)).argmax()), 12)
        for seed in range(60)
    ]
    assert {y for y, _ in places} == set(range(2, 7))
    assert {x for _, x in places} == set(range(3, 10))


def test_the_seed_decides_what_elsewhere_is() -> None:
    weight, x = spot(), noise(1, SIDE)[:, :1]
    one, same, other = (found(weight[0], weight, x, seed) for seed in (1, 1, 2))
    assert one == same
    assert one.random_deletion != other.random_deletion


@pytest.mark.parametrize("side", [1, 2, SIDE])
def test_the_announced_number_of_images_is_shown_and_told(side: int) -> None:
    seen, told = [], []

    def score(batch: Tensor) -> Tensor:
        seen.append(len(batch))
        return batch.flatten(1).sum(1)

    x = noise(1, side)
    deletion_insertion(score, x, x[0, 0], 0, told.append)
    assert sum(seen) == told[-1] == passes(side * side)
    assert told == sorted(told)
    assert passes(SIDE * SIDE) == (STEPS + 1) * 2 * (1 + SHIFTED_COPIES) <= 126
