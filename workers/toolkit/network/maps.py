"""The layers of a network that have a map, for a model that recommends none."""

from collections.abc import Sequence

from workers.toolkit.errors import LayerWithoutMap
from workers.toolkit.network.network import Network
from workers.toolkit.network.receptive_fields import receptive_fields


def has_map(network: Network, path: str) -> bool:
    """Return whether the layer's output has more than one place."""
    shape = network.layer_shape(path)
    return len(shape) == 3 and shape[1] * shape[2] > 1


def map_layers(network: Network) -> list[str]:
    """Return the layers that have a map laid out like the image, first to last.

    A tensor with several names is listed once, under the shortest.
    """
    laid_out, named = receptive_fields(network.whole.graph), dict[object, str]()
    for path, node in network.layers.items():
        if node in laid_out and has_map(network, path):
            named[node] = min(named.get(node, path), path, key=len)
    return list(named.values())


def last_map(network: Network) -> str:
    """Return the last of the map layers. Raises LayerWithoutMap."""
    names = map_layers(network)
    if not names:
        raise LayerWithoutMap("The model has no layer whose output is a map.")
    return names[-1]


def layers_at(network: Network, fractions: Sequence[float]) -> list[str]:
    """Return the map layers at those fractions of all, 0 for the first and 1 for the last.

    Each layer is listed once. Raises LayerWithoutMap.
    """
    names = map_layers(network)
    if not names:
        raise LayerWithoutMap("The model has no layer whose output is a map. Name a target.")
    return list(dict.fromkeys(names[round(fraction * (len(names) - 1))] for fraction in fractions))
