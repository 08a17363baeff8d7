"""Layers by how deep they lie, for a model that recommends none."""

from collections.abc import Sequence

from workers.toolkit.errors import NotAMap
from workers.toolkit.geometry import receptive_fields
from workers.toolkit.network import Network


def layers_at(network: Network, fractions: Sequence[float]) -> list[str]:
    """The layers at those fractions (0 first, 1 last) of all that have a map of more than one place.

    A tensor with several names counts once, under the shortest. Each layer is given once. Raises NotAMap.
    """
    names = maps(network)
    if not names:
        raise NotAMap("The model has no layer whose output is a map. Name a target.")
    return list(dict.fromkeys(names[round(fraction * (len(names) - 1))] for fraction in fractions))


def maps(network: Network) -> list[str]:
    """One name for each map that is laid out like the image and has more than one place, first to last."""
    laid_out, named = receptive_fields(network.whole.graph), dict[object, str]()
    for path, node in network.layers.items():
        _, *places = network.layer_shape(path)
        if node in laid_out and places and places[0] * places[1] > 1:
            named[node] = min(named.get(node, path), path, key=len)
    return list(named.values())
