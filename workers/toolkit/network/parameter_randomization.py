"""The model with its last layer shuffled: what a map must not survive (Adebayo et al. 2018, Sanity Checks)."""

from dataclasses import dataclass

import torch

from workers.toolkit.network.network import Network


@dataclass(frozen=True)
class RandomizedNetwork:
    network: Network
    weights: str  # name of the parameter that was shuffled


def randomize_parameters(network: Network, path: str, seed: int) -> RandomizedNetwork | None:
    """A sibling of the network whose last weights before that layer's output are in random order.

    Shuffling keeps their distribution exactly. All else is shared. None if the layer has no weights before it.
    """
    kernels = network.kernels(path)
    if not kernels:
        return None
    value = network.parameter(kernels[-1])
    order = torch.randperm(value.numel(), generator=torch.Generator().manual_seed(seed))
    shuffled = value.flatten()[order.to(value.device)].reshape(value.shape)
    return RandomizedNetwork(network.with_parameter(kernels[-1], shuffled), str(kernels[-1].target))
