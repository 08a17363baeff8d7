"""Defaults of an inversion that follow from where the layer lies in the network."""

from workers.toolkit.network.graph import operator_info
from workers.toolkit.network.network import Network
from workers.toolkit.network.rectifier_patterns import is_rectifier

# The three groups of Mahendran & Vedaldi 2015: the first 6 of CaffeNet's 20 layers, the next 6,
# the last 8. Each number is the share of the depth up to which the group reaches.
_GROUPS = (0.3, 0.6, 1.0)
_TV_WEIGHTS = {"mahendran_vedaldi": (1.0, 10.0, 100.0), "modern": (0.05, 0.5, 2.0)}
# A vector does not hold the parts of a picture together by itself.
_TV_WEIGHT_OF_VECTORS = 5.0
_JITTER = 1 / 28  # of the layer's stride
# In pixels: less would only blur what a shallow layer keeps exactly.
_LEAST_JITTER = 0.5


def tv_weight(network: Network, path: str, recipe: str) -> float:
    """Return the weight of the total variation by the layer's depth.

    In the modern recipe a vector has a larger weight than any map.
    """
    share = depth(network, path)
    group = next(number for number, until in enumerate(_GROUPS) if share <= until + 1e-9)
    vector = all(side == 1 for side in network.layer_shape(path)[1:])
    return _TV_WEIGHT_OF_VECTORS if vector and recipe == "modern" else _TV_WEIGHTS[recipe][group]


def jitter_pixels(network: Network, path: str) -> float:
    """Return the random shift in pixels, 1/28 of the layer's stride.

    The stride of a vector is the side of the input.
    """
    shape = network.layer_shape(path)
    stride = network.input_shape[1] / (shape[1] if len(shape) == 3 else 1)
    shift = stride * _JITTER
    return shift if shift >= _LEAST_JITTER else 0.0


def depth(network: Network, path: str) -> float:
    """Return the share of the network's operators that lie on the way to the layer.

    Convolutions, linear layers, norms, rectifiers and poolings are counted.
    """
    return _count(network, path) / max(1, _count(network, ""))


def _count(network: Network, path: str) -> int:
    return sum(
        operator_info(node).counts_for_depth or is_rectifier(node)
        for node in network.operators(path)
    )
