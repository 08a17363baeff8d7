"""The places of a dense output over which the score of a class is the mean."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

ChosenPlaces = Literal["first", "nowhere_first"]


@dataclass(frozen=True, eq=False)
class ClassPlaces:
    """A set of places, fixed on the unchanged image, so that the score is one function.

    `chosen` is `first` for those where the class is the first, or `nowhere_first` for all places,
    because the class is the first nowhere.
    """

    mask: Tensor  # (H, W), bool
    chosen: ChosenPlaces

    @property
    def count(self) -> int:
        """The number of places."""
        return int(self.mask.sum())

    def mean(self, channel: Tensor) -> Tensor:
        """Return the mean over the places for each image: (B, H, W) → (B,)."""
        weights = self.mask.to(channel) / self.mask.sum()
        return (channel * weights).sum((1, 2))
