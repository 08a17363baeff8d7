"""The engine behind every image that is made by optimization.

A run is a list of stages. Each stage makes a picture: one per layer of an inversion, one per octave
of DeepDream, one per size of a style transfer. After every step the whole state can be saved, and
another process resumes from it with the same result to the last bit, on the same kind of device
and with the same number of threads.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

import torch
from torch import Tensor

from workers.toolkit.errors import NotFinite
from workers.toolkit.execution import checkpoint
from workers.toolkit.execution.context import Context
from workers.toolkit.execution.gradients import missing_gradient
from workers.toolkit.images.picture import to_image, to_levels
from workers.toolkit.optimization.parametrization import Parametrization

# Format of the checkpoints. It changes when their fields mean something else.
_FORMAT = 2


@dataclass(frozen=True)
class History:
    """The pictures that the earlier stages of a run made.

    `previous` is the picture of the stage before, or None for the first stage. `kept` holds the
    pictures of all earlier stages that keep theirs.
    """

    previous: Tensor | None = None
    kept: Sequence[Tensor] = ()


@dataclass(frozen=True)
class Losses:
    """The value of an objective: named parts, whose sum is minimized.

    An objective that has computed the gradient of the sum itself gives it as `gradient`, in the
    picture's shape (B, C, H, W). The parts then need no gradient.
    """

    parts: Mapping[str, Tensor]
    gradient: Tensor | None = None

    def total(self) -> Tensor:
        """Return the sum of all parts over all pictures."""
        return torch.stack([part.sum() for part in self.parts.values()]).sum()

    def backward(self, picture: Tensor) -> Tensor:
        """Accumulate the total's gradient in the picture's parameters; return the total.

        Raises NoGradient.
        """
        total = self.total()
        if self.gradient is None:
            if not total.requires_grad:
                raise missing_gradient()
            total.backward()  # type: ignore[no-untyped-call]
        else:
            picture.backward(self.gradient)  # type: ignore[no-untyped-call]
        return total


Begin = Callable[[History, torch.Generator], Parametrization]
Objective = Callable[[Tensor, int, torch.Generator], Losses]
AfterStep = Callable[[Parametrization, int], None]
Converged = Callable[[torch.optim.Optimizer], bool]


def keep_parameters(parametrization: Parametrization, step: int) -> None:
    """Leave the parameters as the optimizer set them."""


def show_whole_picture(picture: Tensor) -> Tensor:
    """Return the picture unchanged."""
    return picture


def never_converged(optimizer: torch.optim.Optimizer) -> bool:
    """Return False, so that all steps are taken."""
    return False


@dataclass(frozen=True)
class Stage:
    """One optimization.

    - `begin` makes the parameters from the history. It may draw from the generator.
    - `objective` maps a picture (B, C, H, W) and the number of the step to the losses. All its
      randomness comes from the generator.
    - `optimizer` makes the optimizer of the parameters.
    - `rates` lists (first step, rate). At each change the optimizer's state is cleared.
    - `after_step` may change the parameters in place after a step.
    - `converged` decides after each step, from what the optimizer's state_dict holds, whether the
      remaining steps are skipped.
    - `keep` adds the stage's picture to the result. With "levels" it is kept in 8 bits, which takes
      a quarter of the space in every checkpoint.
    - `shown` selects the part of the picture that previews show.
    """

    steps: int
    begin: Begin
    objective: Objective
    optimizer: Callable[[list[Tensor]], torch.optim.Optimizer]
    rates: Sequence[tuple[int, float]] = ()
    after_step: AfterStep = keep_parameters
    converged: Converged = never_converged
    keep: bool | Literal["levels"] = False
    shown: Callable[[Tensor], Tensor] = show_whole_picture
    message: str = "steps"


@dataclass
class OptimizationResult:
    """The pictures of a run and the course of its losses.

    `picture` is the last one, `start` the one from which the first stage began, `kept` those of the
    stages that keep theirs. `curve` holds the parts of the losses at every step.
    """

    picture: Tensor
    start: Tensor
    kept: list[Tensor] = field(default_factory=list)
    curve: list[dict[str, float]] = field(default_factory=list)


@dataclass
class _State:
    """Everything that a process needs to resume the run."""

    stage: int = 0
    step: int = 0
    previous: Tensor | None = None
    kept: list[Tensor] = field(default_factory=list)
    curve: list[dict[str, float]] = field(default_factory=list)
    parameters: list[Tensor] = field(default_factory=list)
    optimizer: dict[str, Any] = field(default_factory=dict)
    generator: Tensor | None = None


def optimize(
    stages: Sequence[Stage], context: Context, *, seed: int, device: torch.device
) -> OptimizationResult:
    """Run the stages, or those steps that remain after the context's checkpoint.

    Progress counts steps. Raises NotFinite, or what the context raises when the job must stop.
    """
    return _Run(stages, context, seed, device).finish()


class _Run:
    def __init__(
        self, stages: Sequence[Stage], context: Context, seed: int, device: torch.device
    ) -> None:
        self._stages, self._context = stages, context
        self._total = sum(stage.steps for stage in stages)
        self._plan = [stage.steps for stage in stages]
        self._generator = torch.Generator().manual_seed(seed)
        self._state = self._resumed(device) or _State()

    def _resumed(self, device: torch.device) -> _State | None:
        saved = self._context.resume()
        if saved is None:
            return None
        state = checkpoint.load(saved, lambda values: _State(**values), _FORMAT, self._plan)
        if state is not None:
            state.previous = None if state.previous is None else state.previous.to(device)
            state.kept = [picture.to(device) for picture in state.kept]
        return state

    def finish(self) -> OptimizationResult:
        state = self._state
        # The first stage begins in a resumed run too: the start follows from the seed alone.
        first = self._stages[0].begin(History(), self._generator)
        start = _picture(first)
        for index in range(state.stage, len(self._stages)):
            stage = self._stages[index]
            history = History(state.previous, tuple(state.kept))
            parametrization = stage.begin(history, self._generator) if index else first
            picture = self._complete(stage, parametrization)
            if stage.keep:
                state.kept.append(to_levels(picture) if stage.keep == "levels" else picture)
            state.previous, state.stage, state.step = picture, index + 1, 0
            state.parameters, state.optimizer, state.generator = [], {}, None
        self._report("")
        assert state.previous is not None
        return OptimizationResult(state.previous, start, state.kept, state.curve)

    def _complete(self, stage: Stage, parametrization: Parametrization) -> Tensor:
        """Take the remaining steps of a stage and return its picture."""
        state = self._state
        optimizer = stage.optimizer(parametrization.parameters)
        self._restore(parametrization, optimizer)
        while state.step < stage.steps:
            self._report(stage.message)
            self._step(stage, parametrization, optimizer)
            self._check(parametrization)
            state.step = stage.steps if stage.converged(optimizer) else state.step + 1
            self._show(stage, parametrization)
            self._context.checkpoint(lambda: self._checkpoint(parametrization, optimizer))
        return _picture(parametrization)

    def _restore(self, parametrization: Parametrization, optimizer: torch.optim.Optimizer) -> None:
        """Set what the checkpoint holds of the stage in which the run was interrupted."""
        state = self._state
        if state.generator is None:
            return
        with torch.no_grad():
            for parameter, saved in zip(parametrization.parameters, state.parameters, strict=True):
                parameter.copy_(saved)
        optimizer.load_state_dict(state.optimizer)
        self._generator.set_state(state.generator)

    def _step(
        self, stage: Stage, parametrization: Parametrization, optimizer: torch.optim.Optimizer
    ) -> None:
        step = self._state.step
        for since, rate in stage.rates:
            if since == step:
                optimizer.param_groups[0]["lr"] = rate
                optimizer.state.clear()
        losses = Losses({})

        def closure() -> Tensor:
            nonlocal losses
            optimizer.zero_grad()
            picture = parametrization.picture()
            losses = stage.objective(picture, step, self._generator)
            return losses.backward(picture)

        with torch.enable_grad():
            optimizer.step(closure)  # type: ignore[arg-type]
        stage.after_step(parametrization, step)
        self._record(losses)

    def _record(self, losses: Losses) -> None:
        numbers = {name: float(part.detach().sum()) for name, part in losses.parts.items()}
        if not math.isfinite(sum(numbers.values())):
            self._refuse()
        self._state.curve.append(numbers)

    def _check(self, parametrization: Parametrization) -> None:
        """Raise NotFinite before NaN or infinity is saved or delivered."""
        if not all(bool(parameter.isfinite().all()) for parameter in parametrization.parameters):
            self._refuse()

    def _refuse(self) -> NoReturn:
        step = len(self._state.curve)
        raise NotFinite(
            f"The picture or the loss is NaN or infinite after {step} steps. "
            "Lower the rate or the weights."
        )

    def _report(self, message: str) -> None:
        curve = self._state.curve
        loss = sum(curve[-1].values()) if curve else None
        done = sum(self._plan[: self._state.stage]) + self._state.step
        self._context.progress(done, self._total, message, loss=loss)

    def _show(self, stage: Stage, parametrization: Parametrization) -> None:
        if not self._context.wants_preview():
            return
        with torch.no_grad():
            shown = stage.shown(parametrization.picture())
        self._context.preview(to_image(shown), len(self._state.curve))

    def _checkpoint(
        self, parametrization: Parametrization, optimizer: torch.optim.Optimizer
    ) -> bytes:
        values = vars(self._state) | {
            "parameters": [parameter.detach() for parameter in parametrization.parameters],
            "optimizer": optimizer.state_dict(),
            "generator": self._generator.get_state(),
        }
        return checkpoint.dump(values, _FORMAT, self._plan)


def _picture(parametrization: Parametrization) -> Tensor:
    with torch.no_grad():
        return parametrization.picture().detach().clone()
