"""The one engine behind every image that is made by optimization.

A run is a list of stages, each from a picture to a picture: one for a class, one per octave of a dream, one per size of
a style transfer. After every step the whole state can be written down, and another process goes on from it to the same
last bit (on the same kind of device, with as many threads).
"""

import io
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

import torch
from torch import Tensor

from workers.toolkit.errors import NotFinite
from workers.toolkit.execution.context import Context
from workers.toolkit.images.picture import to_image, to_levels
from workers.toolkit.optimization.parametrization import Parametrization

log = logging.getLogger(__name__)

_FORMAT = 2  # of the checkpoint; another number where its fields mean something else

Begin = Callable[[Tensor | None, torch.Generator], Parametrization]
Losses = Mapping[str, Tensor]
Loss = Callable[[Tensor, int, torch.Generator], Losses]
AfterStep = Callable[[Parametrization, int], None]
Enough = Callable[[torch.optim.Optimizer], bool]


def keep_parameters(parametrization: Parametrization, step: int) -> None:
    """After a step: leave the parameters as they are."""


def show_whole_picture(picture: Tensor) -> Tensor:
    """The picture as it is."""
    return picture


def never(optimizer: torch.optim.Optimizer) -> bool:
    """Take all steps."""
    return False


@dataclass(frozen=True)
class Stage:
    """One optimization.

    `begin` makes the parameters from the picture of the stage before (None for the first). `loss` takes the picture
    (B, C, H, W), the step and the generator of all randomness, and returns named parts; their sum falls. `rates` are
    (step from which on, rate); at each change the optimizer forgets what it remembers. `enough` says after
    a step, by what the optimizer's state_dict holds, whether the rest can be left out. `keep` holds the stage's picture
    for the result, with "levels" in 8 bits: a quarter of the room in every checkpoint. `shown` cuts out what
    previews show.
    """

    steps: int
    begin: Begin
    loss: Loss
    optimizer: Callable[[list[Tensor]], torch.optim.Optimizer]
    rates: Sequence[tuple[int, float]] = ()
    after_step: AfterStep = keep_parameters
    enough: Enough = never
    keep: bool | Literal["levels"] = False
    shown: Callable[[Tensor], Tensor] = show_whole_picture
    message: str = "steps"


@dataclass
class OptimizationResult:
    """What came out: the last picture, those that were kept, and the parts of the loss at every step."""

    picture: Tensor
    kept: list[Tensor] = field(default_factory=list)
    curve: list[dict[str, float]] = field(default_factory=list)


@dataclass
class _State:
    """All that is needed to go on."""

    stage: int = 0
    step: int = 0
    previous: Tensor | None = None  # picture of the stage before
    kept: list[Tensor] = field(default_factory=list)
    curve: list[dict[str, float]] = field(default_factory=list)
    parameters: list[Tensor] = field(default_factory=list)
    optimizer: dict[str, Any] = field(default_factory=dict)
    generator: Tensor | None = None


def optimize(
    stages: Sequence[Stage],
    context: Context,
    *,
    seed: int,
    device: torch.device,
    kept: list[Tensor] | None = None,
) -> OptimizationResult:
    """Run the stages, or what is left of them; progress counts steps.

    A stage whose `begin` needs more than the picture before it reads the list `kept`, which the engine fills with what
    was kept so far, after a resume too. Raises NotFinite, or what the context raises to stop it.
    """
    return _Run(stages, context, seed, device, [] if kept is None else kept).finish()


class _Run:
    def __init__(
        self,
        stages: Sequence[Stage],
        context: Context,
        seed: int,
        device: torch.device,
        kept: list[Tensor],
    ) -> None:
        self._stages, self._context, self._device = stages, context, device
        self._total = sum(stage.steps for stage in stages)
        self._generator = torch.Generator().manual_seed(seed)
        saved = context.resume()
        self._plan = [[_FORMAT, stage.steps] for stage in stages]
        self._state = (None if saved is None else _read(saved, self._plan, device)) or _State()
        kept[:] = self._state.kept
        self._state.kept = kept

    def finish(self) -> OptimizationResult:
        state = self._state
        while state.stage < len(self._stages):
            stage = self._stages[state.stage]
            picture = self._complete(stage)
            if stage.keep:
                state.kept.append(to_levels(picture) if stage.keep == "levels" else picture)
            state.previous, state.stage, state.step = picture, state.stage + 1, 0
            state.parameters, state.optimizer, state.generator = [], {}, None
        self._report("")
        assert state.previous is not None
        return OptimizationResult(state.previous, state.kept, state.curve)

    def _complete(self, stage: Stage) -> Tensor:
        """The stage from its beginning, or from where it was left, to its picture."""
        state = self._state
        parametrization = stage.begin(state.previous, self._generator)
        optimizer = stage.optimizer(parametrization.parameters)
        self._restore(parametrization, optimizer)
        while state.step < stage.steps:
            self._report(stage.message)
            self._step(stage, parametrization, optimizer)
            self._check(parametrization)
            state.step = stage.steps if stage.enough(optimizer) else state.step + 1
            self._show(stage, parametrization)
            self._context.checkpoint(lambda: self._written(parametrization, optimizer))
        with torch.no_grad():
            return parametrization.picture().detach().clone()

    def _restore(self, parametrization: Parametrization, optimizer: torch.optim.Optimizer) -> None:
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
        parts: Losses = {}

        def closure() -> Tensor:
            nonlocal parts
            optimizer.zero_grad()
            parts = stage.loss(parametrization.picture(), step, self._generator)
            total = torch.stack([part.sum() for part in parts.values()]).sum()
            total.backward()  # type: ignore[no-untyped-call]
            return total

        with torch.enable_grad():
            optimizer.step(closure)  # type: ignore[arg-type]
        stage.after_step(parametrization, step)
        self._note(parts)

    def _check(self, parametrization: Parametrization) -> None:
        """What is not finite must be neither saved nor delivered."""
        if not all(bool(parameter.isfinite().all()) for parameter in parametrization.parameters):
            self._not_finite()

    def _not_finite(self) -> NoReturn:
        step = len(self._state.curve)
        raise NotFinite(
            f"The picture or the loss is NaN or infinite after {step} steps. Lower the rate or the weights."
        )

    def _note(self, parts: Losses) -> None:
        numbers = {name: float(part.detach().sum()) for name, part in parts.items()}
        total = sum(numbers.values())
        if not math.isfinite(total):
            self._not_finite()
        self._state.curve.append(numbers)

    def _report(self, message: str) -> None:
        curve = self._state.curve
        loss = sum(curve[-1].values()) if curve else None
        done = sum(stage.steps for stage in self._stages[: self._state.stage]) + self._state.step
        self._context.progress(done, self._total, message, loss=loss)

    def _show(self, stage: Stage, parametrization: Parametrization) -> None:
        if self._context.wants_preview():
            with torch.no_grad():
                self._context.preview(
                    to_image(stage.shown(parametrization.picture())), len(self._state.curve)
                )

    def _written(self, parametrization: Parametrization, optimizer: torch.optim.Optimizer) -> bytes:
        state = self._state
        values = vars(state) | {
            "plan": self._plan,
            "parameters": [parameter.detach() for parameter in parametrization.parameters],
            "optimizer": optimizer.state_dict(),
            "generator": self._generator.get_state(),
        }
        buffer = io.BytesIO()
        torch.save(values, buffer)
        return buffer.getvalue()


def _read(saved: bytes, plan: list[list[int]], device: torch.device) -> _State | None:
    """None for what was written by another version, or for other stages, or is damaged: then the run begins anew."""
    try:
        values = torch.load(io.BytesIO(saved), map_location="cpu", weights_only=True)
        if values.pop("plan") != plan:
            raise ValueError("other stages")
        state = _State(**values)
    except Exception:  # torch raises whatever it likes at damaged files
        log.warning("the checkpoint cannot be used; beginning anew", exc_info=True)
        return None
    state.previous = None if state.previous is None else state.previous.to(device)
    return state
