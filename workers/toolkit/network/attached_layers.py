"""Layers that no gradient of the image reaches, made such that one can differentiate by them."""

from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, fx

from workers.toolkit.network.gradient_reach import with_gradient
from workers.toolkit.network.maps import has_map
from workers.toolkit.network.network import LOGITS, Network

_attached: WeakKeyDictionary[Network, Network] = WeakKeyDictionary()


def attach_layers(network: Network) -> Network:
    """Return a network with the same values, by each of whose layers one can differentiate.

    autograd leaves out what lies behind a step without gradient, such as a comparison, unless a
    later tensor requires one. Where every layer has a gradient, it is the network itself.
    """
    if all(map(network.has_gradient, network.layers)):
        return network
    if network not in _attached:
        _attached[network] = network.with_graph(_attached_graph(network))
    return _attached[network]


def has_map_gradient(network: Network) -> bool:
    """Return whether the output has a gradient with respect to any layer that has a map."""
    maps = {node for path, node in network.layers.items() if has_map(network, path)}
    return network.operators(LOGITS)[-1] in with_gradient(network.whole.graph, maps)


def _attached_graph(network: Network) -> fx.GraphModule:
    """Return the network's graph, with a gradient of zero from each such layer to the image."""
    detached = {node for path, node in network.layers.items() if not network.has_gradient(path)}
    graph, copies = fx.Graph(), dict[fx.Node, fx.Node]()
    image = next(node for node in network.whole.graph.nodes if node.op == "placeholder")
    for node in network.whole.graph.nodes:
        copies[node] = copy = graph.node_copy(node, copies.__getitem__)
        if node in detached:
            copies[node] = graph.call_function(_attach, (copy, copies[image]))
            # The marks of a layer go with the tensor that is attached.
            copies[node].meta, copy.meta = copy.meta, {"val": copy.meta["val"]}
    return fx.GraphModule(network.whole, graph)


def _attach(layer: Tensor, image: Tensor) -> Tensor:
    attached: Tensor = _Attached.apply(layer, image)
    return attached


class _Attached(torch.autograd.Function):
    """The layer's output as it is, which requires a gradient if the image does."""

    @staticmethod
    def forward(_ctx: Any, layer: Tensor, _image: Tensor) -> Tensor:
        return layer.view_as(layer)

    @staticmethod
    def backward(_ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0], None
