"""Fooling: a picture that a network takes for another class."""

from dataclasses import dataclass
from math import log

import torch
from torch import Tensor

from workers.toolkit.images.png_roundtrip import png_roundtrip
from workers.toolkit.network.head import SOFTMAX, Head
from workers.toolkit.network.network import LOGITS
from workers.toolkit.network.vision_model import VisionModel
from workers.toolkit.optimization.engine import History, Losses, Stage
from workers.toolkit.optimization.minimal_perturbation import (
    AnyPerturbation,
    MinimalL2,
    MinimalLinf,
    PerturbationSearch,
    converged,
)
from workers.toolkit.optimization.objectives import redirecting_rule
from workers.toolkit.optimization.parametrization import Parametrization, Pixels

# The least probability of which a logarithm is taken.
_TINY = 1e-30
MARGIN = 0.05
"""Logits by which the search passes the goal, so that another device's rounding keeps it."""

ANY = "any"
"""The norm of a search for which the size of the perturbation does not matter."""

SEARCHES: dict[str, type[PerturbationSearch]] = {
    "l2": MinimalL2,
    "linf": MinimalLinf,
    ANY: AnyPerturbation,
}


@dataclass(frozen=True)
class TargetClass:
    """The class that a network is to predict, under a head with probabilities.

    Where the classes exclude each other, it is to be the first. Where they do not, or there is only
    one, its probability is to be above one half. With `confidence`, its probability must also be at
    least that.
    """

    index: int
    confidence: float | None = None
    head: Head = SOFTMAX

    def loss(self, output: Tensor) -> Tensor:
        """Return how many logits are missing to the goal and its margin: (B, classes) → (B,).

        The loss is not positive where the goal is reached. Its slope is that of −log(p / (1 − p)),
        p the probability of the class. That is the direction of the cross-entropy, but it never
        fades. On photographs it leads to smaller perturbations than the slope of the distance.
        Where a model returns probabilities, log p takes the place of its logits.
        """
        logits = output.clamp_min(_TINY).log() if self.head.name == "none" else output
        odds = self._odds(output, logits)
        missing = self._behind(logits, odds)
        if self.confidence is not None:
            missing = torch.maximum(missing, log(self.confidence / (1 - self.confidence)) - odds)
        return (missing + MARGIN).detach() + (odds.detach() - odds)

    def reached(self, output: Tensor) -> bool:
        """Return whether the goal is reached, without the margin, for an output (1, classes)."""
        probabilities = self.head.probabilities(output)
        assert probabilities is not None  # a model without them is refused
        probability = float(probabilities[0, self.index])
        if self.exclusive(output):
            predicted = int(output[0].argmax()) == self.index
        else:
            predicted = probability > 0.5
        return predicted and probability >= (self.confidence or 0.0)

    def exclusive(self, output: Tensor) -> bool:
        """Return whether the classes of an output (B, classes) exclude each other."""
        return self.head.name != "sigmoid" and output.shape[1] > 1

    def _odds(self, output: Tensor, logits: Tensor) -> Tensor:
        """Return log(p / (1 − p)), (B,)."""
        own = logits[:, self.index]
        if self.head.name == "sigmoid":
            return own
        if self.head.name == "none":
            return own - (1 - output[:, self.index]).clamp_min(_TINY).log()
        return own - self._others(logits).logsumexp(1)

    def _behind(self, logits: Tensor, odds: Tensor) -> Tensor:
        """Return by how much the class is behind what it must pass to be predicted, (B,)."""
        if not self.exclusive(logits):
            return -odds
        return self._others(logits).amax(1) - logits[:, self.index]

    def _others(self, logits: Tensor) -> Tensor:
        mask = torch.arange(logits.shape[1], device=logits.device) == self.index
        return logits.masked_fill(mask, float("-inf"))


@dataclass(frozen=True)
class FoolingStage:
    """One search for a picture of the target class.

    - `start` is the 8-bit picture (1, C, H, W) in 0..1 that is perturbed.
    - `norm` is the norm of the perturbation that is minimized: l2, linf or any.
    - `steps` is the largest number of steps.
    """

    model: VisionModel
    target: TargetClass
    start: Tensor
    norm: str
    steps: int

    def stage(self) -> Stage:
        """Return the stage for the engine."""
        network, preprocessing = self.model.network, self.model.preprocessing
        # A search from noise may begin where all rectifiers are off.
        rule = redirecting_rule(network, LOGITS) if self.norm == ANY else None

        def objective(picture: Tensor, step: int, generator: torch.Generator) -> Losses:
            logits = network.run(png_roundtrip(preprocessing, picture), LOGITS, rule)
            return Losses({"gap": self.target.loss(logits)})

        return Stage(self.steps, self._begin, objective, self._search, converged=converged)

    def _begin(self, history: History, generator: torch.Generator) -> Parametrization:
        return Pixels(self.start)

    def _search(self, parameters: list[Tensor]) -> torch.optim.Optimizer:
        return SEARCHES[self.norm](parameters, self.start, self.steps)
