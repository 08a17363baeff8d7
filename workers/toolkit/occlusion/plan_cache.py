"""Plans and schedules, made once per graph and grid for as long as the graph lives."""

from dataclasses import dataclass

from torch import fx

from workers.toolkit.occlusion.cost import position_bytes
from workers.toolkit.occlusion.plan import Plan
from workers.toolkit.occlusion.request import OcclusionRequest
from workers.toolkit.occlusion.schedule import Schedule
from workers.toolkit.occlusion.types import LARGEST_BATCH, EngineName, NodeValues

# Grids that are kept per graph; the oldest one leaves first.
_MOST_GRIDS = 4


@dataclass
class GridPlan:
    """What depends on a graph and a grid, but not on the image.

    `position_bytes` is the memory that one position takes. `measured_faster` is the engine that
    a measurement found to be faster, if there was one.
    """

    plan: Plan
    schedule: Schedule
    position_bytes: int
    measured_faster: EngineName | None = None


def cached_grid_plan(
    request: OcclusionRequest, graph: fx.GraphModule, clean: NodeValues
) -> GridPlan:
    """Return the plan of the request's grid on the graph, which keeps it in `graph.meta`."""
    kept: dict[object, GridPlan] = graph.meta.setdefault("occlusion", {})
    key = (tuple(request.x.shape), tuple(request.patches))
    if key not in kept:
        if len(kept) >= _MOST_GRIDS:
            kept.pop(next(iter(kept)))
        kept[key] = _make_grid_plan(request, graph, clean)
    return kept[key]


def _make_grid_plan(
    request: OcclusionRequest, graph: fx.GraphModule, clean: NodeValues
) -> GridPlan:
    plan = Plan(graph.graph, clean, request.patches)
    schedule = Schedule(plan, clean, LARGEST_BATCH)
    return GridPlan(plan, schedule, position_bytes(plan, clean, schedule.batches))
