"""The maps of a layer's channels for one image: their response, their order, and as bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workers.toolkit.errors import NotFinite
from workers.toolkit.execution.batches import batch_size
from workers.toolkit.execution.dynamic_batching import BatchableFunction
from workers.toolkit.network.network import Network

Floats = NDArray[np.float32]
Indices = NDArray[np.intp]


@dataclass(frozen=True)
class ChannelMaps:
    """The maps (C, H, W) of a layer for one image; (C, 1, 1) if the layer has no map."""

    maps: Floats

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the map."""
        return self.maps.shape[1], self.maps.shape[2]

    @property
    def has_places(self) -> bool:
        """Whether there is more than one place."""
        return self.size != (1, 1)

    @cached_property
    def means(self) -> Floats:
        """The mean of each channel over the places, (C,)."""
        found: Floats = self.maps.mean((1, 2), dtype=np.float64).astype(np.float32)
        return found

    @cached_property
    def largest(self) -> Floats:
        """The largest value of each channel, (C,)."""
        found: Floats = self.maps.max((1, 2))
        return found

    def order(self, by: str) -> Indices:
        """Return the channels by their `mean` or `max`, the largest first, or by their `index`.

        Of equals, the channel with the lower index comes first.
        """
        if by == "index":
            return np.arange(len(self.maps))
        return np.argsort(-(self.means if by == "mean" else self.largest), kind="stable")

    def peak(self, channel: int) -> tuple[int, int]:
        """Return y, x of the largest value of a channel; of equals, the first, row by row."""
        y, x = np.unravel_index(int(self.maps[channel].argmax()), self.maps.shape[1:])
        return int(y), int(x)


@torch.no_grad()
def channel_maps(network: Network, path: str, x: Tensor) -> ChannelMaps:
    """Return a layer's maps for the network's input x (1, C, H, W).

    Calls of several threads may run as one batch. Raises NotFinite.
    """

    def run(_queries: Sequence[Any], x: Tensor) -> Tensor:
        return network.run(x, path)

    def most() -> int:
        return batch_size(network, path)

    output = BatchableFunction((network, "layer", path), None, run, most)(x)[0]
    if not bool(output.isfinite().all()):
        raise NotFinite(f"The layer {path!r} is NaN or infinite for this image.")
    maps = output.float().reshape(len(output), *(output.shape[1:] or (1, 1)))
    return ChannelMaps(maps.cpu().numpy())


def levels(maps: Floats) -> NDArray[np.uint8]:
    """Return maps (C, H, W) as levels: 0 at the smallest value of each channel, 255 at the largest.

    The levels of a channel whose values are equal are 0.
    """
    found = np.zeros(maps.shape, np.uint8)
    # One after another: double precision of all maps at once would be a gigabyte for eight jobs.
    for level, values in zip(found, maps, strict=True):
        wide = values.astype(np.float64)
        low, span = wide.min(), np.ptp(wide)
        if span > 0:
            level[:] = ((wide - low) / span * 255).round()
    return found
