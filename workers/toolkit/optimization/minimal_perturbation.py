"""Searches for the picture nearest to a given one at which a loss is not positive, judged on 8-bit pictures.

They are optimizers, so that all they know (the best picture so far, the radius, the steps taken) is in the engine's
checkpoints. The last step goes back to the best picture. One picture, (1, C, H, W) in 0..1.
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
    """What the searches share. `origin` is an 8-bit picture, `steps` the number of steps there will be."""

    def __init__(self, parameters: list[Tensor], origin: Tensor, steps: int) -> None:
        super().__init__(parameters, {})
        self._origin, self._steps = origin, steps

    @torch.no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        with torch.enable_grad():
            loss = closure()
        (pixels,) = self.param_groups[0]["params"]
        kept = self.state[pixels]
        if not kept:
            kept.update({"taken": 0, "best": None, "size": inf, "done": False, **self._first()})
        kept["taken"] += 1
        reached = float(loss) <= 0
        if reached:
            self._keep(pixels, kept)
        self._move(pixels, -pixels.grad, reached, kept)
        pixels.clamp_(0, 1)
        if (kept["done"] or kept["taken"] >= self._steps) and kept["best"] is not None:
            pixels.copy_(kept["best"])
        return loss

    def _keep(self, pixels: Tensor, kept: SearchState) -> None:
        saved = quantized(pixels)
        size = self._size(saved - self._origin)
        if size < kept["size"]:
            kept["best"], kept["size"] = saved, size
        if size == 0:
            kept["done"] = True

    def _first(self) -> SearchState:
        return {}

    @abstractmethod
    def _size(self, change: Tensor) -> float:
        """What is to be least."""

    @abstractmethod
    def _move(self, pixels: Tensor, way: Tensor, reached: bool, kept: SearchState) -> None:
        """One step, in place; `way` leads to the goal."""


def converged(optimizer: torch.optim.Optimizer) -> bool:
    """True once a search can find nothing better."""
    return any(kept.get("done", False) for kept in optimizer.state.values())


class MinimalL2(PerturbationSearch):
    """The decoupled direction and norm attack (Rony et al. 2019), with rounding straight through.

    Each step turns the change towards the goal and sets its length to a radius, which shrinks by γ while the goal is
    reached, and grows by γ else. Here γ falls from 0.05 to 0.005 (Rony: 0.05 throughout), so that the end is finer; it
    begins larger where there are few steps, so that the radius can still become a fiftieth; and until the goal is
    reached for the first time it is twice as large, for networks that answer to large changes only.
    """

    _RATES, _GAMMAS, _HASTE = (1.0, 0.01), (0.05, 0.005), 2
    _REACH, _LARGEST = 8.0, 0.25  # twice the sum of γ over all steps, at least; but no γ above that

    def _first(self) -> SearchState:
        return {"radius": 1.0}

    def _size(self, change: Tensor) -> float:
        return float(change.norm())

    def _move(self, pixels: Tensor, way: Tensor, reached: bool, kept: SearchState) -> None:
        fraction = kept["taken"] / self._steps
        rate, gamma = _annealed(*self._RATES, fraction), self._gamma(fraction)
        growth = gamma if kept["best"] is not None else self._HASTE * gamma
        kept["radius"] *= 1 - gamma if reached else 1 + growth
        change = pixels - self._origin + rate * _unit(way)
        pixels.copy_(self._origin + kept["radius"] * _unit(change))

    def _gamma(self, fraction: float) -> float:
        first, last = self._GAMMAS
        return _annealed(max(first, min(self._LARGEST, self._REACH / self._steps)), last, fraction)


class MinimalLinf(PerturbationSearch):
    """Projected gradient steps with momentum (Madry et al. 2018; Dong et al. 2018) within n levels of 255.

    n is doubled after every sixteenth of the steps until the goal is reached, then bisected from 0, with the steps that
    are left shared among the trials.
    """

    _HASTE, _STRIDE, _MOMENTUM = 16, 0.5, 0.9

    def _first(self) -> SearchState:
        return {
            "level": 1,
            "failed": 0,
            "until": max(1, self._steps // self._HASTE),
            "momentum": 0.0,
        }

    def _size(self, change: Tensor) -> float:
        return round(float(change.abs().max()) * LEVELS)

    def _move(self, pixels: Tensor, way: Tensor, reached: bool, kept: SearchState) -> None:
        if reached or kept["taken"] >= kept["until"]:
            self._next_level(kept, reached)
        bound = kept["level"] / LEVELS
        kept["momentum"] = self._MOMENTUM * kept["momentum"] + _unit(way)
        pixels.add_(self._STRIDE * bound * kept["momentum"].sign())
        pixels.copy_(pixels.clamp(self._origin - bound, self._origin + bound))

    def _next_level(self, kept: SearchState, reached: bool) -> None:
        if kept["best"] is None:
            kept["level"] = min(2 * kept["level"], LEVELS)
            kept["until"] = kept["taken"] + max(1, self._steps // self._HASTE)
            return
        if not reached:
            kept["failed"] = kept["level"]
        apart = int(kept["size"]) - kept["failed"]
        kept["done"] = apart <= 1
        kept["level"] = kept["failed"] + max(1, apart // 2)
        trials = max(1, (apart - 1).bit_length())
        kept["until"] = kept["taken"] + max(1, (self._steps - kept["taken"]) // trials)


class AnyPerturbation(PerturbationSearch):
    """Steps of one mean size, up the gradient, until the goal is reached, however far that is."""

    _RATE = 0.01

    def _size(self, change: Tensor) -> float:
        return 0.0

    def _move(self, pixels: Tensor, way: Tensor, reached: bool, kept: SearchState) -> None:
        pixels.add_(self._RATE * way / way.abs().mean().clamp(min=torch.finfo(way.dtype).tiny))


def _unit(x: Tensor) -> Tensor:
    length: Tensor = x.norm()
    return x / length.clamp(min=torch.finfo(x.dtype).tiny)


def _annealed(first: float, last: float, fraction: float) -> float:
    """From `first` to `last` along half a cosine."""
    return last + (first - last) * (1 + cos(pi * min(fraction, 1.0))) / 2
