"""A model whose last layer is shuffled, which a map must not survive.

Adebayo et al. 2018, Sanity Checks for Saliency Maps.
"""

from dataclasses import dataclass

import torch

from workers.toolkit.network.network import Network


@dataclass(frozen=True)
class RandomizedNetwork:
    """A network one parameter of which was shuffled; `weights` is that parameter's name."""

    network: Network
    weights: str


def randomize_parameters(network: Network, path: str, seed: int) -> RandomizedNetwork | None:
    """Shuffle the last weights before the layer's output, in a sibling of the network.

    Shuffling keeps their distribution exactly. All other parameters are shared. Return None if
    no weights lie before the layer's output.
    """
    kernels = network.kernels(path)
    if not kernels:
        return None
    value = network.parameter(kernels[-1])
    order = torch.randperm(value.numel(), generator=torch.Generator().manual_seed(seed))
    shuffled = value.flatten()[order.to(value.device)].reshape(value.shape)
    return RandomizedNetwork(network.with_parameter(kernels[-1], shuffled), str(kernels[-1].target))
