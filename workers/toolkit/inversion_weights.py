"""What an inversion pays and how it is shaken, by where the layer lies in the network."""

from workers.toolkit.graph import operator_name
from workers.toolkit.network import Network
from workers.toolkit.rectifiers import is_rectifier

# Of Mahendran & Vedaldi: 1 for the first 6 of CaffeNet's 20 layers, 10 for the next 6, 100 for the last 8.
_PUBLISHED_TV = ((0.3, 1.0), (0.6, 10.0), (1.0, 100.0))
_LAYERS = frozenset({"conv2d", "linear", "addmm", "batch_norm", "max_pool2d", "avg_pool2d", "local_response_norm"})


def tv_of(network: Network, path: str, recipe: str) -> float:
    """Weight of the total variation: the published one by depth, or that of the modern recipe."""
    if recipe == "modern":
        return 0.5
    deep = depth(network, path)
    return next(weight for until, weight in _PUBLISHED_TV if deep <= until + 1e-9)


def jitter_of(network: Network, path: str) -> float:
    """Random shift in pixels: an eighth of the layer's stride, 2 at most."""
    shape = network.layer_shape(path)
    stride = network.input_shape[1] / shape[1] if len(shape) == 3 else float(network.input_shape[1])
    return min(2.0, stride / 8)


def depth(network: Network, path: str) -> float:
    """The part of the network's convolutions, linear layers, norms, rectifiers and poolings up to that layer."""
    return _count(network, path) / max(1, _count(network, ""))


def _count(network: Network, path: str) -> int:
    nodes = network.part((path,)).graph.nodes
    return sum(operator_name(node) in _LAYERS or is_rectifier(node) for node in nodes)
