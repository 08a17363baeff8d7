"""Two exact ways to the scores under patches: incrementally, and from whole images."""

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from workers.toolkit.occlusion.grid import cover, require_finite
from workers.toolkit.occlusion.occluder import CleanPass, Occluder
from workers.toolkit.occlusion.plan import Plan
from workers.toolkit.occlusion.request import OcclusionRequest
from workers.toolkit.occlusion.schedule import Schedule
from workers.toolkit.occlusion.types import EngineName, Positions


class Engine(Protocol):
    """A way to compute the scores under patches.

    `batches` hold all positions of the grid, each once. `most` positions fit into memory at a
    time. `expected_speedup` is the number of multiplications for whole images over the engine's.
    """

    name: EngineName
    expected_speedup: float
    batches: Sequence[Positions]
    most: int

    def scores(self, positions: Positions) -> Tensor:
        """Return the scores (n,) under the patches of these positions."""


class DenseEngine:
    """Runs one whole image per patch."""

    name: EngineName = "dense"
    expected_speedup = 1.0

    def __init__(self, request: OcclusionRequest, batches: Sequence[Positions], most: int) -> None:
        self.batches = batches
        self.most = most
        self._request = request

    def scores(self, positions: Positions) -> Tensor:
        """Return the scores (n,) under the patches of these positions. Raises NotFinite."""
        request = self._request
        patches = [request.patches[position] for position in positions]
        images = cover(request.x, patches, request.fill)
        output = request.network.run(images, request.path)
        return require_finite(request.read(output))


class IncrementalEngine:
    """Runs the image once, and for each patch only what it changes."""

    name: EngineName = "incremental"

    def __init__(
        self,
        request: OcclusionRequest,
        plan: Plan,
        schedule: Schedule,
        clean: CleanPass,
        most: int,
    ) -> None:
        self.batches: Sequence[Positions] = schedule.batches
        self.expected_speedup = schedule.speedup
        self.most = most
        self._read = request.read
        self._occluder = Occluder(plan, clean, request.fill)

    def scores(self, positions: Positions) -> Tensor:
        """Return the scores (n,) under the patches of these positions."""
        return self._read(self._occluder.outputs(positions))
