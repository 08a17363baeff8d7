"""Cost of a pass: the multiplications of convolutions and matrix products, and no others."""

from torch import Tensor, fx

from workers.toolkit.network.graph import operator_info
from workers.toolkit.occlusion.plan import Places, Plan
from workers.toolkit.occlusion.rules import Values


class Cost:
    """The cost of the operators that the image reaches.

    `whole` maps a node to the multiplications for one whole image. `weights` is the number of
    weights, all of which every batch reads.
    """

    def __init__(self, plan: Plan, clean: Values) -> None:
        self._plan = plan
        self.whole = {node: _multiplications(node, plan, clean) for node in plan.nodes}
        read = {
            source
            for node in plan.nodes
            for source in node.all_input_nodes
            if source.op == "get_attr"
        }
        self.weights = sum(clean[source].numel() for source in read)

    def each(self, places: Places) -> float:
        """Return the multiplications for each position of a batch whose windows lie there."""
        return sum(
            self._plan.rules[node].multiplications * places[node].area if node in places else whole
            for node, whole in self.whole.items()
        )


def _multiplications(node: fx.Node, plan: Plan, clean: Values) -> float:
    """Return the multiplications for one whole image."""
    output = clean[node]
    if node in plan.reach:
        return plan.rules[node].multiplications * float(output.shape[2] * output.shape[3])
    if not operator_info(node).weighted:
        return 0.0
    factors = [
        clean[source] for source in node.all_input_nodes if isinstance(clean[source], Tensor)
    ]
    matrices = [factor for factor in factors if factor.ndim > 1]
    return float(output.numel() * matrices[-1][0].numel())
