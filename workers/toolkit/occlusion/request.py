"""What occlusion is to compute."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, fx

from workers.toolkit.network.network import Network
from workers.toolkit.occlusion.types import ReadScore, Rectangle


@dataclass(frozen=True)
class OcclusionRequest:
    """A request for the scores of x (1, C, H, W) under patches that show `fill` (C, H, W).

    `read` makes a score of each row of the output of the layer `path`: (n, …) → (n,).
    """

    network: Network
    path: str
    read: ReadScore
    x: Tensor
    patches: Sequence[Rectangle]
    fill: Tensor

    def graph(self) -> fx.GraphModule:
        """Return the part of the network that ends at the layer.

        The network keeps it, so that plans can be kept with it.
        """
        return self.network.part((self.path,))
