"""The searches on a linear model, for which the smallest perturbation has a closed form."""

from collections.abc import Callable
from math import ceil

import pytest
import torch
from torch import Tensor

from tests.techniques.running import Recording, Stopped
from workers.toolkit.images.picture import quantized
from workers.toolkit.optimization.engine import Losses, OptimizationResult, Stage, optimize
from workers.toolkit.optimization.minimal_perturbation import (
    AnyPerturbation,
    MinimalL2,
    MinimalLinf,
    PerturbationSearch,
    converged,
)
from workers.toolkit.optimization.parametrization import Pixels

ORIGIN = quantized(0.4 + 0.2 * torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1)))
WEIGHT = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(2))
SEARCHES = [MinimalL2, MinimalLinf, AnyPerturbation]


def search(
    kind: type[PerturbationSearch],
    gap: float,
    steps: int = 200,
    context: Recording | None = None,
    seen: Callable[[Tensor], None] = lambda rounded: None,
) -> OptimizationResult:
    """Search until w·δ ≥ gap for the rounded picture, with a straight-through gradient.

    `seen` is called with every picture that is tried.
    """

    def loss(picture: Tensor, step: int, generator: torch.Generator) -> Losses:
        rounded = picture + (quantized(picture) - picture).detach()
        seen(quantized(picture))
        return Losses({"gap": gap - (WEIGHT * (rounded - ORIGIN)).sum((1, 2, 3))})

    stage = Stage(
        steps,
        lambda history, generator: Pixels(ORIGIN),
        loss,
        lambda p: kind(p, ORIGIN, steps),
        converged=converged,
    )
    return optimize([stage], context or Recording(), seed=0, device=torch.device("cpu"))


def change(made: OptimizationResult) -> Tensor:
    return made.picture - ORIGIN


@pytest.mark.parametrize("kind", SEARCHES)
@pytest.mark.parametrize("gap", [1.0, 20.0, 60.0])
def test_the_boundary_is_crossed_by_an_8_bit_picture(
    kind: type[PerturbationSearch], gap: float
) -> None:
    made = search(kind, gap)
    assert torch.equal(made.picture, quantized(made.picture))
    assert float((WEIGHT * change(made)).sum()) >= gap


def test_the_nearest_of_all_pictures_tried_is_kept() -> None:
    """The last picture that reached the goal may be farther away: the radius may be growing."""
    for steps in range(5, 40):
        tried: list[Tensor] = []
        made = search(MinimalL2, 20.0, steps=steps, seen=tried.append)
        lengths = [
            float((one - ORIGIN).norm())
            for one in tried
            if float((WEIGHT * (one - ORIGIN)).sum()) >= 20
        ]
        if lengths:
            assert float(change(made).norm()) == min(lengths)


@pytest.mark.parametrize("gap", [20.0, 60.0, 120.0])
def test_the_least_l2_is_the_projection_onto_the_hyperplane(gap: float) -> None:
    """The least ‖δ‖ with w·δ ≥ gap is gap/‖w‖. Rounding adds little to several levels."""
    made, least = search(MinimalL2, gap), gap / float(WEIGHT.norm())
    assert least <= float(change(made).norm()) <= 1.02 * least


def test_the_least_l2_below_a_level_is_the_best_rounding() -> None:
    """Where the projection rounds to nothing, the best change is ±1 at the largest weights."""
    gap = 0.4
    made = search(MinimalL2, gap)
    gains = WEIGHT.abs().flatten().sort(descending=True).values.cumsum(0) / 255
    count = int((gains < gap).sum()) + 1
    assert float(gap * WEIGHT.abs().max() / WEIGHT.norm() ** 2) < 0.5 / 255
    assert float(change(made).norm()) == pytest.approx(count**0.5 / 255, rel=0.03)


@pytest.mark.parametrize("gap", [0.4, 2.0, 5.0, 20.0])
def test_few_steps_come_as_near_as_many(gap: float) -> None:
    """The radius begins at 1, far above the smallest perturbation of the smaller gaps."""
    few, many = (float(change(search(MinimalL2, gap, steps=steps)).norm()) for steps in (40, 400))
    assert few <= 1.02 * many


@pytest.mark.parametrize("gap", [1.0, 5.0, 20.0, 60.0])
def test_the_least_linf_is_the_gap_over_the_l1_norm(gap: float) -> None:
    """The least max|δ| is gap/‖w‖₁, rounded up to whole levels."""
    made = search(MinimalLinf, gap)
    levels = round(float(change(made).abs().max()) * 255)
    assert levels == ceil(gap / float(WEIGHT.abs().sum()) * 255)


@pytest.mark.parametrize("kind", SEARCHES)
def test_what_is_reached_already_is_left_alone(kind: type[PerturbationSearch]) -> None:
    made = search(kind, -0.1)
    assert torch.equal(made.picture, ORIGIN)
    assert len(made.curve) == 1


@pytest.mark.parametrize("kind", SEARCHES)
def test_what_cannot_be_reached_ends_with_its_steps(kind: type[PerturbationSearch]) -> None:
    context = Recording()
    made = search(kind, 1e5, steps=30, context=context)
    assert len(made.curve) == 30
    assert made.picture.min() >= 0 and made.picture.max() <= 1


@pytest.mark.parametrize("kind", SEARCHES)
def test_a_search_stopped_at_any_step_resumes_to_the_same_bits(
    kind: type[PerturbationSearch],
) -> None:
    straight = search(kind, 30.0, steps=24)
    for stop in range(1, len(straight.curve) + 1):
        stopped = Recording(stop_at=stop)
        with pytest.raises(Stopped):
            search(kind, 30.0, steps=24, context=stopped)
        resumed = search(kind, 30.0, steps=24, context=Recording(saved=stopped.saved))
        assert torch.equal(resumed.picture, straight.picture)
        assert resumed.curve == straight.curve


def test_an_early_end_is_the_end_of_the_progress() -> None:
    context = Recording()
    made = search(AnyPerturbation, 5.0, steps=100, context=context)
    assert len(made.curve) < 50
    assert context.steps[-1] == (100, 100)
    assert [done for done, _ in context.steps] == [*range(len(made.curve)), 100]
