"""What one image costs: the multiplications of a network."""

from math import prod

from workers.toolkit.network.graph import operator_info, shape_of
from workers.toolkit.network.network import LOGITS, Network


def multiplications(network: Network) -> int:
    """Return the multiplications of convolutions and linear layers for one image.

    A multiplication whose sum is kept counts as one. Those between two activations, as in
    attention, are left out.
    """
    total = 0
    for node in network.operators(LOGITS):
        weights = [source for source in node.all_input_nodes if source.op == "get_attr"]
        if operator_info(node).weighted and weights and (shape := shape_of(node)):
            total += prod(shape) * network.parameter(weights[0])[0].numel()
    return total
