"""Costs of a pass: multiplications and memory.

The multiplications of convolutions and matrix products count, and no others.
"""

from collections.abc import Sequence

from torch import Tensor, fx

from workers.toolkit.network.graph import operator_info
from workers.toolkit.occlusion.plan import Places, Plan
from workers.toolkit.occlusion.types import NodeValues, Positions

# Tensors of the largest size that live at the same time: an operator's input, what is cut out of
# it, its output, and a branch beside it.
_LIVE_TENSORS = 4


class Cost:
    """The cost of the operators that the image reaches.

    `whole` maps a node to the multiplications for one whole image. `weights` is the number of
    weights, all of which every batch reads.
    """

    def __init__(self, plan: Plan, clean: NodeValues) -> None:
        self._plan = plan
        self.whole = {node: _multiplications(node, plan, clean) for node in plan.nodes}
        read = {
            source
            for node in plan.nodes
            for source in node.all_input_nodes
            if source.op == "get_attr"
        }
        # What an operator such as an autocast region reads may also be a graph.
        weights = (clean[source] for source in read)
        self.weights = sum(weight.numel() for weight in weights if isinstance(weight, Tensor))

    def per_position(self, places: Places) -> float:
        """Return the multiplications for each position of a batch whose windows lie there."""
        return sum(
            self._plan.rules[node].multiplications * places[node].area if node in places else whole
            for node, whole in self.whole.items()
        )


def position_bytes(plan: Plan, clean: NodeValues, batches: Sequence[Positions]) -> int:
    """Return the memory per position of the batch that needs the most.

    The windows of all maps are kept; whole maps live only while they are needed.
    """
    return max(_batch_position_bytes(plan, clean, batch) for batch in batches)


def _multiplications(node: fx.Node, plan: Plan, clean: NodeValues) -> float:
    """Return the multiplications for one whole image."""
    output = clean[node]
    if node in plan.changes:
        return plan.rules[node].multiplications * float(output.shape[2] * output.shape[3])
    if not operator_info(node).weighted:
        return 0.0
    factors = [
        clean[source] for source in node.all_input_nodes if isinstance(clean[source], Tensor)
    ]
    matrices = [factor for factor in factors if factor.ndim > 1]
    return float(output.numel() * matrices[-1][0].numel())


def _batch_position_bytes(plan: Plan, clean: NodeValues, batch: Positions) -> int:
    places = plan.places(batch)
    pasted = _pasted(plan, places)
    windows, largest = 0, 0
    for node in [plan.image, *plan.nodes]:
        value = clean[node]
        if not isinstance(value, Tensor):
            continue
        whole = value.numel() * value.element_size()
        if node in places and node in plan.changes:
            windows += whole * places[node].area // (value.shape[2] * value.shape[3])
        if node in pasted or node not in places:
            largest = max(largest, whole)
    return windows + _LIVE_TENSORS * largest


def _pasted(plan: Plan, places: Places) -> set[fx.Node]:
    """Return the nodes whose whole maps are needed."""
    on_whole_maps = [node for node in plan.nodes if node not in places]
    sources = {source for node in on_whole_maps for source in node.all_input_nodes}
    return sources | {plan.output}
