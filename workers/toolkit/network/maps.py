"""The layers of a network that have a map, for a model that recommends none."""

from collections.abc import Sequence
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from workers.toolkit.errors import LayerWithoutMap
from workers.toolkit.network.graph import operator_info
from workers.toolkit.network.layers import (
    is_hidden,
    may_be_map,
    unproved_layers,
    unproved_reason,
)
from workers.toolkit.network.network import LOGITS, Network
from workers.toolkit.network.precision import probe_inputs
from workers.toolkit.network.vision_model import VisionModel

# The output must depend on some place of a map, and on at least this share of its channels. In the
# last block of a transformer with a class token, queries of other tokens have no effect, a third of
# the channels of queries, keys and values. A head may ignore some channels, too.
_LEAST_CHANNELS = 0.7
# So many layers, from the last, are searched at once; each holds its activations.
_AT_ONCE = 16

_last_maps: WeakKeyDictionary[Network, str] = WeakKeyDictionary()


def has_map(network: Network, path: str) -> bool:
    """Return whether the layer's output has more than one place."""
    shape = network.layer_shape(path)
    return len(shape) == 3 and shape[1] * shape[2] > 1


def map_layers(network: Network) -> list[str]:
    """Return the layers that have a map laid out like the image, first to last.

    A tensor with several names is listed once, under the shortest.
    """
    named = dict[object, str]()
    for path, node in network.layers.items():
        if has_map(network, path):
            named[node] = min(named.get(node, path), path, key=len)
    return list(named.values())


def last_map(network: Network) -> str:
    """Return the last of the map layers on whose places the output depends.

    Raises LayerWithoutMap.
    """
    if network not in _last_maps:
        _last_maps[network] = _last_map(network)
    return _last_maps[network]


def default_map(model: VisionModel, network: Network | None = None) -> str:
    """Return the layer that the model recommends for Grad-CAM, or else the last map.

    The map is that of `network`, which is the model's own if none is given. Raises
    LayerWithoutMap if there is neither.
    """
    return model.recommended.get("grad_cam") or last_map(network or model.network)


def layers_at(network: Network, fractions: Sequence[float]) -> list[str]:
    """Return the map layers at those fractions of all up to the last map, 0 for the first.

    Each layer is listed once. Raises LayerWithoutMap.
    """
    names = map_layers(network)
    names = names[: names.index(last_map(network)) + 1]
    return list(dict.fromkeys(names[round(fraction * (len(names) - 1))] for fraction in fractions))


def _last_map(network: Network) -> str:
    names = map_layers(network)[::-1]
    for first in range(0, len(names), _AT_ONCE):
        for path, gradient in _gradients(network, names[first : first + _AT_ONCE]).items():
            if gradient is not None and _reaches(gradient != 0):
                _check_nothing_hidden(network, path)
                return path
    raise LayerWithoutMap(_without_default(names))


def _without_default(names: Sequence[str]) -> str:
    """Return why there is no default map, and what to do; `names` are the maps, last to first."""
    if not names:
        return (
            "No layer of the model is proved to have a map, so that none can be named. Use a "
            "technique that needs none, such as saliency, occlusion or rise."
        )
    return (
        "No layer of the model has a map on whose places its output is proved to depend. Name a "
        f"layer, such as {names[0]!r}."
    )


def _check_nothing_hidden(network: Network, path: str) -> None:
    """Raise LayerWithoutMap if a later layer may have a map whose axes are not proved.

    That is one behind an operator that is not understood; and, if the last map is in the first half
    of the network, any other whose layout is not understood.
    """
    order = network.operators(LOGITS)
    later = set(order[order.index(network.layers[path]) + 1 :])
    is_early = _weighted(network, path) < _weighted(network, LOGITS) / 2
    for hidden, node in unproved_layers(network.whole.graph).items():
        if node in later and may_be_map(node) and (is_early or is_hidden(node)):
            raise LayerWithoutMap(
                f"The last layer that is proved to have a map is {path!r}, but {hidden!r} is "
                f"nearer to the output. {unproved_reason(node)} Name a layer."
            )


def _weighted(network: Network, path: str) -> int:
    """Return the number of convolutions and matrix products before the layer's output."""
    return sum(operator_info(node).weighted for node in network.operators(path))


def _reaches(present: Tensor) -> bool:
    """Return whether a gradient is present (B, C, H, W) in enough channels."""
    return float(present.flatten(2).any(2).float().mean()) >= _LEAST_CHANNELS


@torch.enable_grad()
def _gradients(network: Network, paths: Sequence[str]) -> dict[str, Tensor | None]:
    """Return the gradient of the output by each layer's map (B, C, H, W), in the given order.

    It is None for a layer that the output does not depend on. A caller that needs no gradients
    itself may have turned them off.
    """
    x = probe_inputs(network.input_shape)[1:].to(network.device).requires_grad_()
    output, *maps = network.run_uncut(x, (LOGITS, *paths))
    if not output.requires_grad:
        return dict.fromkeys(paths)
    # Random weights, since gradients of a plain sum may cancel out, as behind a softmax.
    weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(0)).to(output)
    gradients = torch.autograd.grad((output * weights).sum(), maps, allow_unused=True)
    return dict(zip(paths, gradients, strict=True))
