"""Searches for the smallest perturbation of a picture at which a loss is not positive.

Pictures are judged as they are saved, in 8 bits. The searches are optimizers, so that all they know
(the best picture so far, the radius, the steps taken) is part of the engine's checkpoints. The last
step returns to the best picture. They take one picture, (1, C, H, W) in 0..1.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from math import cos, inf, pi
from typing import Any

import torch
from torch import Tensor

from workers.toolkit.images.picture import quantized

LEVELS = 255
SearchState = dict[str, Any]


class PerturbationSearch(torch.optim.Optimizer, ABC):
    """A search as an optimizer: its state, its best picture, and its end.

    `origin` is the 8-bit picture that is perturbed, `steps` the largest number of steps.
    """

    def __init__(self, parameters: list[Tensor], origin: Tensor, steps: int) -> None:
        super().__init__(parameters, {})
        self._origin, self._steps = origin, steps

    @torch.no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Take one step; return the loss before it."""
        with torch.enable_grad():
            loss = closure()
        (pixels,) = self.param_groups[0]["params"]
        state = self.state[pixels]
        if not state:
            state.update(
                {"taken": 0, "best": None, "size": inf, "done": False, **self._initial_state()}
            )
        state["taken"] += 1
        reached = float(loss) <= 0
        if reached:
            self._keep_best(pixels, state)
        self._move(pixels, -pixels.grad, reached, state)
        pixels.clamp_(0, 1)
        last = state["done"] or state["taken"] >= self._steps
        if last and state["best"] is not None:
            pixels.copy_(state["best"])
        return loss

    def _keep_best(self, pixels: Tensor, state: SearchState) -> None:
        saved = quantized(pixels)
        size = self._size(saved - self._origin)
        if size < state["size"]:
            state["best"], state["size"] = saved, size
        if size == 0:
            state["done"] = True

    def _initial_state(self) -> SearchState:
        """Return what this search remembers besides the shared state."""
        return {}

    @abstractmethod
    def _size(self, perturbation: Tensor) -> float:
        """Return the norm that is minimized."""

    @abstractmethod
    def _move(self, pixels: Tensor, descent: Tensor, reached: bool, state: SearchState) -> None:
        """Change the pixels in place; `descent` is the direction in which the loss falls."""


def converged(optimizer: torch.optim.Optimizer) -> bool:
    """Return True once the search cannot find a better picture."""
    return any(state.get("done", False) for state in optimizer.state.values())


class MinimalL2(PerturbationSearch):
    """The decoupled direction and norm attack (Rony et al. 2019), with straight-through rounding.

    Each step turns the perturbation towards the goal and sets its length to a radius. The radius
    shrinks by γ while the goal is reached, and otherwise grows by γ. Three things differ from Rony
    et al., where γ is 0.05 throughout:

    - γ falls from 0.05 to 0.005, so that the end is finer.
    - With few steps it begins larger, so that the radius can still shrink to a fiftieth.
    - Until the goal is reached for the first time, γ is doubled, for networks that only large
      perturbations affect.
    """

    _RATES, _GAMMAS, _HASTE = (1.0, 0.01), (0.05, 0.005), 2
    # Least value of twice the sum of γ over all steps, and the largest γ that it may lead to.
    _REACH, _LARGEST = 8.0, 0.25

    def _initial_state(self) -> SearchState:
        return {"radius": 1.0}

    def _size(self, perturbation: Tensor) -> float:
        return float(perturbation.norm())

    def _move(self, pixels: Tensor, descent: Tensor, reached: bool, state: SearchState) -> None:
        fraction = state["taken"] / self._steps
        rate, gamma = _annealed(*self._RATES, fraction), self._gamma(fraction)
        growth = gamma if state["best"] is not None else self._HASTE * gamma
        state["radius"] *= 1 - gamma if reached else 1 + growth
        perturbation = pixels - self._origin + rate * _unit(descent)
        pixels.copy_(self._origin + state["radius"] * _unit(perturbation))

    def _gamma(self, fraction: float) -> float:
        first, last = self._GAMMAS
        return _annealed(max(first, min(self._LARGEST, self._REACH / self._steps)), last, fraction)


class MinimalLinf(PerturbationSearch):
    """Projected gradient steps with momentum within n levels of 255.

    The level n is doubled after every sixteenth of the steps until the goal is reached. It is then
    bisected from 0, and the remaining steps are shared among the trials. Sources: Madry et al.
    2018; Dong et al. 2018.
    """

    _HASTE, _STRIDE, _MOMENTUM = 16, 0.5, 0.9

    def _initial_state(self) -> SearchState:
        until = max(1, self._steps // self._HASTE)
        return {"level": 1, "failed": 0, "until": until, "momentum": 0.0}

    def _size(self, perturbation: Tensor) -> float:
        return round(float(perturbation.abs().max()) * LEVELS)

    def _move(self, pixels: Tensor, descent: Tensor, reached: bool, state: SearchState) -> None:
        if reached or state["taken"] >= state["until"]:
            self._next_level(state, reached)
        bound = state["level"] / LEVELS
        state["momentum"] = self._MOMENTUM * state["momentum"] + _unit(descent)
        pixels.add_(self._STRIDE * bound * state["momentum"].sign())
        pixels.copy_(pixels.clamp(self._origin - bound, self._origin + bound))

    def _next_level(self, state: SearchState, reached: bool) -> None:
        if state["best"] is None:
            state["level"] = min(2 * state["level"], LEVELS)
            state["until"] = state["taken"] + max(1, self._steps // self._HASTE)
            return
        if not reached:
            state["failed"] = state["level"]
        gap = int(state["size"]) - state["failed"]
        state["done"] = gap <= 1
        state["level"] = state["failed"] + max(1, gap // 2)
        trials = max(1, (gap - 1).bit_length())
        state["until"] = state["taken"] + max(1, (self._steps - state["taken"]) // trials)


class AnyPerturbation(PerturbationSearch):
    """Gradient steps of one mean size until the goal is reached, at any distance."""

    _RATE = 0.01

    def _size(self, perturbation: Tensor) -> float:
        return 0.0

    def _move(self, pixels: Tensor, descent: Tensor, reached: bool, state: SearchState) -> None:
        size = descent.abs().mean().clamp(min=torch.finfo(descent.dtype).tiny)
        pixels.add_(self._RATE * descent / size)


def _unit(x: Tensor) -> Tensor:
    length: Tensor = x.norm()
    return x / length.clamp(min=torch.finfo(x.dtype).tiny)


def _annealed(first: float, last: float, fraction: float) -> float:
    """Return the value between `first` and `last` along half a cosine."""
    return last + (first - last) * (1 + cos(pi * min(fraction, 1.0))) / 2
