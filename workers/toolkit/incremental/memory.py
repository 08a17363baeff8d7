"""How much memory the positions of a batch take."""

from collections.abc import Sequence

from torch import Tensor

from workers.toolkit.incremental.plan import Plan
from workers.toolkit.incremental.rules import Values
from workers.toolkit.incremental.schedule import Positions

_AT_ONCE = 4  # of the largest tensor: an operator's input, what is cut out of it, its output, and a branch beside it


def position_bytes(plan: Plan, clean: Values, batches: Sequence[Positions]) -> int:
    """For each position of the batch that takes most: the windows of all maps stay, whole maps come and go."""
    return max(_bytes(plan, clean, batch) for batch in batches)


def _bytes(plan: Plan, clean: Values, batch: Positions) -> int:
    places = plan.places(batch)
    pasted = {source for node in plan.nodes if node not in places for source in node.all_input_nodes} | {plan.output}
    kept, largest = 0, 0
    for node in [plan.image, *plan.nodes]:
        value = clean[node]
        if not isinstance(value, Tensor):
            continue
        whole = value.numel() * value.element_size()
        if node in places and node in plan.reach:
            kept += whole * places[node].area // (value.shape[2] * value.shape[3])
        if node in pasted or node not in places:
            largest = max(largest, whole)
    return kept + _AT_ONCE * largest
