"""The engine on plain functions with closed forms. A resumed run ends with the same bits."""

import io
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.techniques.running import Recording, Stopped
from workers.toolkit.errors import NotFinite
from workers.toolkit.optimization.bounded_lbfgs import BoundedLBFGS
from workers.toolkit.optimization.engine import (
    History,
    Losses,
    OptimizationResult,
    Stage,
    optimize,
)
from workers.toolkit.optimization.fourier import Fourier
from workers.toolkit.optimization.optimizers import AnnealedAdam, NormalizedGradient
from workers.toolkit.optimization.parametrization import Parametrization, Pixels
from workers.toolkit.optimization.transforms import RandomAffine

GOAL = torch.rand(2, 3, 8, 9, generator=torch.Generator().manual_seed(1))
OPTIMIZERS: dict[str, Callable[[list[Tensor]], torch.optim.Optimizer]] = {
    "sgd": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9),
    "adam": lambda parameters: torch.optim.Adam(parameters, lr=0.05),
    "lbfgs": lambda parameters: torch.optim.LBFGS(parameters, lr=0.5, max_iter=1, history_size=5),
    "bounded lbfgs": lambda parameters: BoundedLBFGS(parameters, 0.5, -1.0, 1.0, history=5),
    "annealed": lambda parameters: AnnealedAdam(parameters, lr=0.05, steps=7),
    "normalized": lambda parameters: NormalizedGradient(parameters, lr=0.01),
}


def pixels(history: History, generator: torch.Generator) -> Parametrization:
    if history.previous is None:
        return Pixels(torch.rand(GOAL.shape, generator=generator))
    return Pixels(history.previous)


def fourier(history: History, generator: torch.Generator) -> Parametrization:
    if history.previous is None:
        return Fourier.noise(2, 3, 8, 9, generator)
    return Fourier.of(history.previous)


def far(picture: Tensor, step: int, generator: torch.Generator) -> Losses:
    seen = RandomAffine(shift=1, turn=5)(picture, generator)
    distance = (seen - GOAL).square().sum((1, 2, 3))
    return Losses({"distance": distance, "size": 0.01 * picture.square().sum()})


def stages(name: str) -> list[Stage]:
    begin = fourier if name == "adam" else pixels
    first = Stage(7, begin, far, OPTIMIZERS[name], rates=((0, 0.05), (4, 0.02)), keep=True)
    return [first, Stage(5, begin, far, OPTIMIZERS[name])]


def run(name: str, context: Recording) -> OptimizationResult:
    return optimize(stages(name), context, seed=4, device=torch.device("cpu"))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_run_stopped_at_any_step_resumes_to_the_same_bits(name: str) -> None:
    straight = run(name, Recording())
    for stop in range(1, 13):
        stopped = Recording(stop_at=stop)
        with pytest.raises(Stopped):
            run(name, stopped)
        resumed = run(name, Recording(saved=stopped.saved))
        assert torch.equal(resumed.picture, straight.picture)
        assert torch.equal(resumed.kept[0], straight.kept[0])
        assert torch.equal(resumed.start, straight.start)
        assert resumed.curve == straight.curve


def test_a_stage_begins_from_what_was_kept_also_after_a_resume() -> None:
    """The third stage begins from the first one's 8-bit picture, which the second does not use."""

    def made(context: Recording) -> OptimizationResult:
        def again(history: History, generator: torch.Generator) -> Parametrization:
            return Pixels(history.kept[0] / 255)

        first = Stage(2, pixels, far, OPTIMIZERS["sgd"], keep="levels")
        rest = [Stage(2, begin, far, OPTIMIZERS["sgd"], keep="levels") for begin in (pixels, again)]
        return optimize([first, *rest], context, seed=4, device=torch.device("cpu"))

    straight = made(Recording())
    assert [one.dtype for one in straight.kept] == [torch.uint8] * 3
    for stop in range(1, 7):
        stopped = Recording(stop_at=stop)
        with pytest.raises(Stopped):
            made(stopped)
        resumed = made(Recording(saved=stopped.saved))
        assert torch.equal(resumed.picture, straight.picture)
        assert all(map(torch.equal, resumed.kept, straight.kept))


def test_a_checkpoint_holds_no_code() -> None:
    context = Recording()
    run("lbfgs", context)
    assert context.saved is not None
    torch.load(io.BytesIO(context.saved), weights_only=True)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_loss_falls(name: str) -> None:
    def still(picture: Tensor, step: int, generator: torch.Generator) -> Losses:
        return Losses({"distance": (picture - GOAL).square().sum((1, 2, 3))})

    made = optimize(
        [Stage(9, pixels, still, OPTIMIZERS[name])], Recording(), seed=4, device=torch.device("cpu")
    )
    losses = [step["distance"] for step in made.curve]
    assert len(losses) == 9
    assert losses[-1] < 0.8 * losses[0]


def test_one_normalized_step_is_its_closed_form() -> None:
    start = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    weight = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    stage = Stage(
        1,
        lambda history, generator: Pixels(start),
        lambda picture, step, generator: Losses({"score": -(picture * weight).sum((1, 2, 3))}),
        lambda parameters: NormalizedGradient(parameters, lr=1.5),
    )
    made = optimize([stage], Recording(), seed=0, device=torch.device("cpu"))
    expected = start + 1.5 * weight / weight.abs().mean((1, 2, 3), keepdim=True)
    assert torch.allclose(made.picture, expected)


def test_a_new_rate_forgets_the_velocity() -> None:
    """With momentum .9 and slope 1, x falls by rate × (1, 1.9, …), from 1 at each new rate."""
    stage = Stage(
        4,
        lambda history, generator: Pixels(torch.zeros(1, 1, 1, 1)),
        lambda picture, step, generator: Losses({"slope": picture.sum()}),
        lambda parameters: torch.optim.SGD(parameters, lr=1.0, momentum=0.9),
        rates=((0, 1.0), (2, 0.1)),
    )
    made = optimize([stage], Recording(), seed=0, device=torch.device("cpu"))
    assert made.picture.item() == pytest.approx(-(1 + 1.9) - 0.1 * (1 + 1.9))


def test_progress_and_loss_are_reported_step_by_step() -> None:
    context = Recording()
    made = run("sgd", context)
    assert context.steps == [(i, 12) for i in range(13)]
    assert context.losses == pytest.approx([sum(step.values()) for step in made.curve])
    assert context.shown is not None and context.shown[0] == 12


def test_nan_stops_with_a_sentence() -> None:
    stage = Stage(
        3,
        pixels,
        lambda picture, step, generator: Losses(
            {"bad": picture.sum() * (float("nan") if step == 1 else 1)}
        ),
        OPTIMIZERS["adam"],
    )
    with pytest.raises(NotFinite, match="after 1 steps"):
        optimize([stage], Recording(), seed=0, device=torch.device("cpu"))


def test_bounded_lbfgs_is_invariant_to_the_scale_of_the_loss() -> None:
    def made(factor: float) -> Tensor:
        def far_away(picture: Tensor, step: int, generator: torch.Generator) -> Losses:
            return Losses({"distance": factor * (picture - GOAL).pow(4).sum((1, 2, 3))})

        stage = Stage(12, pixels, far_away, OPTIMIZERS["bounded lbfgs"])
        return optimize([stage], Recording(), seed=4, device=torch.device("cpu")).picture

    plain = made(1.0)
    assert (plain - GOAL).abs().mean() < 0.1
    for factor in (1e-9, 1e9):
        assert torch.allclose(made(factor), plain, atol=1e-3)


@pytest.mark.parametrize("held", [0, 3])
def test_an_annealed_rate_is_held_then_follows_half_a_cosine(held: int) -> None:
    parameter = torch.zeros(1, requires_grad=True)
    adam = AnnealedAdam([parameter], lr=0.4, steps=held + 4, since=held)

    def closure() -> Tensor:
        parameter.grad = torch.ones(1)
        return torch.zeros(())

    rates = []
    for _ in range(held + 4):
        adam.step(closure)
        rates.append(adam.param_groups[0]["lr"])
    assert rates == pytest.approx([0.4] * held + [0.4, 0.4 * 0.8535534, 0.2, 0.4 * 0.1464466])


def test_an_annealed_rate_without_a_step_left_to_fall_is_held() -> None:
    parameter = torch.zeros(1, requires_grad=True)
    parameter.grad = torch.ones(1)
    adam = AnnealedAdam([parameter], lr=0.4, steps=2, since=2)
    rates = []
    for _ in range(2):
        adam.step(lambda: torch.zeros(()))
        rates.append(adam.param_groups[0]["lr"])
    assert rates == [0.4, 0.4]


def test_what_is_not_finite_is_never_delivered_nor_saved() -> None:
    """The loss is finite before the last step, and the step leads to infinity."""

    def bad(parameters: list[Tensor]) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, lr=float("inf"))

    stage = Stage(1, pixels, far, bad)
    context = Recording()
    with pytest.raises(NotFinite, match="Lower the rate"):
        optimize([stage], context, seed=0, device=torch.device("cpu"))
    assert context.saved is None


@pytest.mark.parametrize("saved", [b"", b"PK junk", b"\x80\x04K\x01."])
def test_with_a_damaged_checkpoint_the_run_begins_anew(saved: bytes) -> None:
    assert torch.equal(
        run("adam", Recording(saved=saved)).picture, run("adam", Recording()).picture
    )


def test_with_a_checkpoint_of_other_stages_the_run_begins_anew() -> None:
    other = Recording()
    optimize(stages("adam")[:1], other, seed=4, device=torch.device("cpu"))
    assert torch.equal(
        run("adam", Recording(saved=other.saved)).picture, run("adam", Recording()).picture
    )


@pytest.mark.parametrize("begin", [pixels, fourier])
def test_a_gradient_that_an_objective_gives_is_followed_like_that_of_its_losses(
    begin: Callable[[History, torch.Generator], Parametrization],
) -> None:
    def losses(picture: Tensor, step: int, generator: torch.Generator) -> Losses:
        return Losses({"distance": (picture - GOAL).square().sum((1, 2, 3))})

    def known(picture: Tensor, step: int, generator: torch.Generator) -> Losses:
        distance = picture.detach() - GOAL
        return Losses({"distance": distance.square().sum((1, 2, 3))}, 2 * distance)

    one, other = (
        optimize(
            [Stage(5, begin, objective, OPTIMIZERS["adam"])],
            Recording(),
            seed=4,
            device=torch.device("cpu"),
        )
        for objective in (losses, known)
    )
    assert torch.allclose(one.picture, other.picture, atol=1e-6)
    assert one.curve == other.curve


def test_the_start_is_the_picture_before_the_first_step() -> None:
    result = run("sgd", Recording())
    expected = torch.rand(GOAL.shape, generator=torch.Generator().manual_seed(4))
    assert torch.equal(result.start, expected)
