"""The class that a network shall be made to see, and how far it is from that."""

from dataclasses import dataclass
from math import log

import torch
from torch import Tensor

MARGIN = 0.05
"""Logits by which the search aims beyond the goal, so that another device's rounding does not lose it."""


@dataclass(frozen=True)
class Goal:
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
