"""The memory that the incremental engine needs."""

from collections.abc import Sequence

from torch import Tensor, fx

from workers.toolkit.occlusion.plan import Places, Plan
from workers.toolkit.occlusion.types import NodeValues, Positions

# Tensors of the largest size that live at the same time: an operator's input, what is cut out of
# it, its output, and a branch beside it.
_LIVE_TENSORS = 4


def position_bytes(plan: Plan, clean: NodeValues, batches: Sequence[Positions]) -> int:
    """Return the memory per position of the batch that needs the most.

    The windows of all maps are kept; whole maps live only while they are needed.
    """
    return max(_batch_position_bytes(plan, clean, batch) for batch in batches)


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
