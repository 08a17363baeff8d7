"""Making a picture that a network takes for something else."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from workers.toolkit.ascent import Losses, Stage
from workers.toolkit.goal import Goal
from workers.toolkit.network import LOGITS
from workers.toolkit.parametrization import Parametrization, Pixels
from workers.toolkit.rectifiers import redirected
from workers.toolkit.saved_view import saved_view
from workers.toolkit.search import LeastL2, LeastLinf, Reach, Search, found
from workers.toolkit.vision_model import VisionModel

SEARCHES: dict[str, type[Search]] = {"l2": LeastL2, "linf": LeastLinf, "any": Reach}


@dataclass(frozen=True)
class Fool:
    """One search from `start`, an 8-bit picture (1, C, H, W) in 0..1, for the goal; `norm` l2, linf, or any."""

    model: VisionModel
    goal: Goal
    start: Tensor
    norm: str
    steps: int

    def stage(self) -> Stage:
        return Stage(self.steps, self._begin, self._loss(), self._search, enough=found)

    def _begin(self, previous: Tensor | None, generator: torch.Generator) -> Parametrization:
        return Pixels(self.start)

    def _search(self, parameters: list[Tensor]) -> torch.optim.Optimizer:
        return SEARCHES[self.norm](parameters, self.start, self.steps)

    def _loss(self) -> Callable[[Tensor, int, torch.Generator], Losses]:
        network, eye = self.model.network, self.model.eye
        rule = redirected if self.norm == "any" and network.rectifiers(LOGITS) else None  # noise may leave ReLUs dead

        def loss(picture: Tensor, step: int, generator: torch.Generator) -> Losses:
            return {"gap": self.goal.loss(network.run(saved_view(eye, picture), LOGITS, rule))}

        return loss
