"""Layers by how deep they lie, for a model that recommends none."""

from collections.abc import Sequence

from workers.toolkit.errors import NotAMap
from workers.toolkit.network.network import Network
from workers.toolkit.network.receptive_fields import receptive_fields


def last_map(network: Network) -> str:
    """The last layer with a map of more than one place: the shortest of its names. Raises NotAMap."""
    laid_out = receptive_fields(network.whole.graph)
    map_layers = [
        path for path, node in network.layers.items() if node in laid_out and has_map(network, path)
    ]
    if not map_layers:
        raise NotAMap("The model has no layer whose output is a map.")
    last = network.layers[map_layers[-1]]
    return min((path for path in map_layers if network.layers[path] is last), key=len)


def layers_at(network: Network, fractions: Sequence[float]) -> list[str]:
    """The layers at those fractions (0 first, 1 last) of all that have a map of more than one place.

    A tensor with several names counts once, under the shortest. Each layer is given once. Raises NotAMap.
    """
    names = map_layers(network)
    if not names:
        raise NotAMap("The model has no layer whose output is a map. Name a target.")
    return list(dict.fromkeys(names[round(fraction * (len(names) - 1))] for fraction in fractions))


def map_layers(network: Network) -> list[str]:
    """One name for each map that is laid out like the image and has more than one place, first to last."""
    laid_out, named = receptive_fields(network.whole.graph), dict[object, str]()
    for path, node in network.layers.items():
        _, *places = network.layer_shape(path)
        if node in laid_out and places and places[0] * places[1] > 1:
            named[node] = min(named.get(node, path), path, key=len)
    return list(named.values())


def has_map(network: Network, path: str) -> bool:
    shape = network.layer_shape(path)
    return len(shape) == 3 and shape[1] * shape[2] > 1
