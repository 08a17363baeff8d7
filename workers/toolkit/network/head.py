"""The head of a model: what makes probabilities of its output, and which class is the first.

Outputs have the shape (B, classes), or (B, classes, H, W) if they are dense.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from workers.toolkit.network.class_places import ClassPlaces

HeadName = Literal["softmax", "sigmoid", "none", "raw"]
# What the output of a class is called under each head.
_SCORES = {"softmax": "logit", "sigmoid": "logit", "none": "probability", "raw": "output"}


@dataclass(frozen=True)
class Head:
    """What the service applies to the output, as the model's entry says.

    - `softmax`: the classes exclude each other.
    - `sigmoid`: each class by itself, such as one logit, or several labels of an image.
    - `none`: the output is probabilities already.
    - `raw`: there is no probability.
    """

    name: HeadName = "softmax"
    dense: bool = False

    @property
    def score(self) -> str:
        """What the output of a class is: a logit, a probability, or any output."""
        return _SCORES[self.name]

    @property
    def has_probability(self) -> bool:
        """Whether a class has a probability."""
        return self.name != "raw"

    def probabilities(self, output: Tensor) -> Tensor | None:
        """Return the probability of each class, in the shape of the output; None if there is none.

        Under `softmax` they add up to 1 in each place, under `sigmoid` they need not.
        """
        if self.name == "softmax":
            return output.softmax(1)
        if self.name == "sigmoid":
            return output.sigmoid()
        return output if self.name == "none" else None

    def first(self, output: Tensor) -> int:
        """Return the first class for one image, (1, …).

        For a dense output it is the class that is first at most places. Among classes with equally
        many, none included, it is the one with the highest mean.
        """
        if not self.dense:
            return int(output.argmax())
        counts = self._first_places(output[0]).sum((1, 2))
        means = output[0].mean((1, 2))
        return int(means.masked_fill(counts < counts.max(), float("-inf")).argmax())

    def places(self, output: Tensor, index: int) -> ClassPlaces:
        """Return the places of one image (1, classes, H, W) where a class is the first.

        If there is none, return all places.
        """
        mask = self._first_places(output[0])[index]
        if bool(mask.any()):
            return ClassPlaces(mask, "first")
        return ClassPlaces(torch.ones_like(mask), "nowhere_first")

    def shares(self, output: Tensor) -> Tensor:
        """Return the share of the places where each class is the first: (1, C, H, W) → (C,)."""
        return self._first_places(output[0]).float().mean((1, 2))

    def _first_places(self, values: Tensor) -> Tensor:
        """Return where each class is the first: (C, H, W) → (C, H, W).

        Classes that do not exclude each other, and a single probability, are the first where the
        probability is above one half.
        """
        if self.name == "sigmoid":
            return values > 0
        if self.name == "none" and len(values) == 1:
            return values > 0.5
        classes = torch.arange(len(values), device=values.device)[:, None, None]
        return values.argmax(0) == classes


SOFTMAX = Head()
"""The head of a classifier of whole images."""
