"""One network under one grid of patches: incrementally, and from whole images."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tests.toolkit.networks import noise
from workers.toolkit.network.folding import Folding
from workers.toolkit.network.graph import operator_name
from workers.toolkit.network.network import Network
from workers.toolkit.occlusion.occluder import CleanPass, Occluder
from workers.toolkit.occlusion.plan import Plan
from workers.toolkit.occlusion.schedule import Schedule
from workers.toolkit.occlusion.types import Rectangle


def covered(x: Tensor, patches: Sequence[Rectangle], fill: Tensor) -> Tensor:
    """Put each patch on a copy of the image, in the plainest way: (patches, C, H, W)."""
    images = x.repeat(len(patches), 1, 1, 1)
    for image, (left, top, right, bottom) in zip(images, patches, strict=True):
        image[:, top:bottom, left:right] = fill[:, top:bottom, left:right]
    return images


@torch.no_grad()
def calibrated(module: nn.Module, side: int) -> nn.Module:
    """Give random weights batch norms that fit them.

    Without these, a deep network gives the same output for every image.
    """
    norms = [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    module.train()(noise(8, side).to(next(module.parameters()).dtype))
    return module.eval()


class Both:
    """The outputs of a layer under every patch: `ours` incrementally, `theirs` from whole images.

    Batch norms are operators like all others, or `folded` as in the service.
    """

    @torch.no_grad()
    def __init__(
        self,
        module: nn.Module,
        patches: Sequence[Rectangle],
        path: str = "",
        side: int = 32,
        most: int = 16,
        *,
        folded: bool = False,
    ) -> None:
        dtype = next(module.parameters()).dtype
        network = Network(module, 3, side, side)
        if not folded:
            network.folding = Folding(0, 0.0)
        x, fill = noise(1, side).to(dtype), noise(1, side, seed=9)[0].to(dtype)
        graph = network.part((path,))
        clean = CleanPass(graph, x)
        self.plan = Plan(graph.graph, clean.values, patches)
        self.schedule = Schedule(self.plan, clean.values, most)
        occluder = Occluder(self.plan, clean, fill)
        images = covered(x, patches, fill)
        self.theirs = torch.cat([network.run(some, path) for some in images.split(16)])
        self.ours = torch.full_like(self.theirs, torch.nan)
        for batch in self.schedule.batches:
            self.ours[torch.from_numpy(batch)] = occluder.outputs(batch)
        assert float((self.theirs - network.run(x, path)).abs().max()) > 1e-6  # something to see

    @property
    def understood(self) -> set[str]:
        """Names of the operators that were not run on whole maps in the first batch."""
        places = self.plan.places(self.schedule.batches[0])
        return {operator_name(node) for node in self.plan.nodes if node in places}

    def assert_equal(self, within: float = 1e-9) -> None:
        assert float((self.ours - self.theirs).abs().max()) <= within
