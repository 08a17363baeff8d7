"""What an inversion pays and how it is shaken, by where the layer lies in the network."""

from workers.toolkit.graph import operator_name
from workers.toolkit.network import Network
from workers.toolkit.rectifiers import is_rectifier

# The three groups of Mahendran & Vedaldi: the first 6 of CaffeNet's 20 layers, the next 6, the last 8.
_GROUPS = (0.3, 0.6, 1.0)
_TV = {"mahendran_vedaldi": (1.0, 10.0, 100.0), "modern": (0.05, 0.5, 2.0)}
_OF_VECTORS = 5.0  # it does not hold things together by itself
_SHIFT = 1 / 28  # of the layer's stride
_LEAST_SHIFT = 0.5  # pixels: less would only blur what a shallow layer keeps exactly
_LAYERS = frozenset({"conv2d", "linear", "addmm", "batch_norm", "max_pool2d", "avg_pool2d", "local_response_norm"})


def tv_of(network: Network, path: str, recipe: str) -> float:
    """Weight of the total variation by the layer's depth; a vector, inverted by the modern recipe, pays more."""
    deep = depth(network, path)
    group = next(number for number, until in enumerate(_GROUPS) if deep <= until + 1e-9)
    vector = all(side == 1 for side in network.layer_shape(path)[1:])
    return _OF_VECTORS if vector and recipe == "modern" else _TV[recipe][group]


def jitter_of(network: Network, path: str) -> float:
    """Random shift in pixels: 1/28 of the layer's stride; a vector's stride is the whole side."""
    shape = network.layer_shape(path)
    stride = network.input_shape[1] / (shape[1] if len(shape) == 3 else 1)
    shift = stride * _SHIFT
    return shift if shift >= _LEAST_SHIFT else 0.0


def depth(network: Network, path: str) -> float:
    """The part of the network's convolutions, linear layers, norms, rectifiers and poolings up to that layer."""
    return _count(network, path) / max(1, _count(network, ""))


def _count(network: Network, path: str) -> int:
    return sum(operator_name(node) in _LAYERS or is_rectifier(node) for node in network.operators(path))
