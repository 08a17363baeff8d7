"""Making a picture that a network takes for something else."""

from collections.abc import Callable
from dataclasses import dataclass
from math import log

import torch
from torch import Tensor

from workers.toolkit.images.png_roundtrip import png_roundtrip
from workers.toolkit.network.network import LOGITS
from workers.toolkit.network.rectifiers import redirected
from workers.toolkit.network.vision_model import VisionModel
from workers.toolkit.optimization.engine import Losses, Stage
from workers.toolkit.optimization.minimal_perturbation import (
    AnyPerturbation,
    MinimalL2,
    MinimalLinf,
    PerturbationSearch,
    converged,
)
from workers.toolkit.optimization.parametrization import Parametrization, Pixels

SEARCHES: dict[str, type[PerturbationSearch]] = {
    "l2": MinimalL2,
    "linf": MinimalLinf,
    "any": AnyPerturbation,
}


@dataclass(frozen=True)
class TargetClass:
    """That class before all others; with `confidence`, at that probability or more."""

    index: int
    confidence: float | None = None

    def loss(self, logits: Tensor) -> Tensor:
        """(B, classes) → (B,): logits that are missing to the goal and its margin; not positive where it is reached.

        Its slope is that of −log(p / (1 − p)) of the goal, which is the cross-entropy's direction and never fades. On
        photographs it leads to smaller changes than the slope of the distance itself.
        """
        own = logits[:, self.index]
        mask = torch.arange(logits.shape[1], device=logits.device) == self.index
        others = logits.masked_fill(mask, float("-inf"))
        odds = own - others.logsumexp(1)
        missing = others.amax(1) - own
        if self.confidence is not None:
            missing = torch.maximum(missing, log(self.confidence / (1 - self.confidence)) - odds)
        return (missing + MARGIN).detach() + (odds.detach() - odds)

    def reached(self, logits: Tensor) -> bool:
        """(1, classes) → is it so, with no margin."""
        probability = float(logits[0].softmax(0)[self.index])
        return int(logits[0].argmax()) == self.index and probability >= (self.confidence or 0.0)


@dataclass(frozen=True)
class FoolingSearch:
    """One search from `start`, an 8-bit picture (1, C, H, W) in 0..1, for the goal; `norm` l2, linf, or any."""

    model: VisionModel
    goal: TargetClass
    start: Tensor
    norm: str
    steps: int

    def stage(self) -> Stage:
        return Stage(self.steps, self._begin, self._loss(), self._search, enough=converged)

    def _begin(self, previous: Tensor | None, generator: torch.Generator) -> Parametrization:
        return Pixels(self.start)

    def _search(self, parameters: list[Tensor]) -> torch.optim.Optimizer:
        return SEARCHES[self.norm](parameters, self.start, self.steps)

    def _loss(self) -> Callable[[Tensor, int, torch.Generator], Losses]:
        network, preprocessing = self.model.network, self.model.preprocessing
        rule = (
            redirected if self.norm == "any" and network.rectifiers(LOGITS) else None
        )  # noise may leave ReLUs dead

        def loss(picture: Tensor, step: int, generator: torch.Generator) -> Losses:
            return {
                "gap": self.goal.loss(
                    network.run(png_roundtrip(preprocessing, picture), LOGITS, rule)
                )
            }

        return loss


MARGIN = 0.05
"""Logits by which the search aims beyond the goal, so that another device's rounding does not lose it."""
