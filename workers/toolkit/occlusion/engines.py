"""Two exact ways to the scores under patches: incrementally, and as plain batches of whole images."""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from torch import Tensor

from workers.toolkit.network.network import Network
from workers.toolkit.occlusion.dense import Rectangle, occluded_scores
from workers.toolkit.occlusion.occluder import CleanPass, Occluder
from workers.toolkit.occlusion.plan import Plan
from workers.toolkit.occlusion.schedule import Positions, Schedule

Name = Literal["incremental", "dense"]
Read = Callable[[Tensor], Tensor]  # the output (n, …) → (n,)


class Engine(Protocol):
    """Gives the scores (n,) of some patches at a time; `batches` are all of them."""

    name: Name
    expected_speedup: float
    batches: Sequence[Positions]
    fits: int  # positions that can be asked for at a time

    def scores(self, positions: Positions) -> Tensor: ...


class Dense:
    """Every patch is one whole forward pass."""

    name: Name = "dense"
    expected_speedup = 1.0

    def __init__(
        self,
        network: Network,
        path: str,
        read: Read,
        x: Tensor,
        patches: Sequence[Rectangle],
        fill: Tensor,
        batches: Sequence[Positions],
        fits: int,
    ) -> None:
        self.batches, self.fits = batches, fits
        self._x, self._patches, self._fill = x, patches, fill
        self._score: Read = lambda images: read(network.run(images, path))

    def scores(self, positions: Positions) -> Tensor:
        some = [self._patches[i] for i in positions]
        return occluded_scores(self._score, self._x, some, self._fill, lambda *_: None, len(some))


class Incremental:
    """The image once, and for every patch only what it changes."""

    name: Name = "incremental"

    def __init__(
        self, plan: Plan, schedule: Schedule, clean: CleanPass, read: Read, fill: Tensor, fits: int
    ) -> None:
        self.batches: Sequence[Positions] = schedule.batches
        self.expected_speedup, self.fits = schedule.speedup, fits
        self._read, self._occluder = read, Occluder(plan, clean, fill)

    def scores(self, positions: Positions) -> Tensor:
        return self._read(self._occluder.outputs(positions))
