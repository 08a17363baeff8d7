"""The choice of the engine: the incremental one wherever it is faster."""

import time
from collections.abc import Sequence

import torch

from workers.toolkit.execution.batches import batch_size, power_of_two
from workers.toolkit.execution.device_memory import free_bytes
from workers.toolkit.occlusion.engines import DenseEngine, Engine, IncrementalEngine
from workers.toolkit.occlusion.occluder import CleanPass
from workers.toolkit.occlusion.plan_cache import cached_grid_plan
from workers.toolkit.occlusion.request import OcclusionRequest
from workers.toolkit.occlusion.types import LEAST_SPEEDUP, EngineName, Positions

# Share of the free memory to use, since other jobs need memory too.
_MEMORY_SHARE = 0.25


def choose_engine(request: OcclusionRequest) -> Engine:
    """Return the engine that is expected, or on an accelerator measured, to be faster.

    Its batches depend on graph and grid only, so that a run can continue in another process.
    """
    graph = request.graph()
    clean = CleanPass(graph, request.x)
    known = cached_grid_plan(request, graph, clean.values)
    dense = dense_engine(request, known.schedule.batches)
    if known.schedule.speedup < LEAST_SPEEDUP:
        return dense
    fits = int(_MEMORY_SHARE * free_bytes(request.x.device) / known.position_bytes)
    incremental = IncrementalEngine(request, known.plan, known.schedule, clean, power_of_two(fits))
    if request.x.device.type == "cpu":
        return incremental
    known.measured_faster = known.measured_faster or _faster(incremental, dense)
    return dense if known.measured_faster == "dense" else incremental


def dense_engine(request: OcclusionRequest, batches: Sequence[Positions]) -> DenseEngine:
    """Return the engine that runs whole images, in these batches."""
    return DenseEngine(request, batches, batch_size(request.network, request.path))


def _faster(*engines: Engine) -> EngineName:
    """Return the name of the engine that needs the least time per patch."""
    return min(engines, key=_seconds).name


def _seconds(engine: Engine) -> float:
    """Measure the time per patch in the engine's largest batch, after one to warm up.

    Wait for the device, which works asynchronously.
    """
    batch = max(engine.batches, key=len)[: engine.most]
    engine.scores(batch)
    torch.accelerator.synchronize()
    began = time.perf_counter()
    engine.scores(batch)
    torch.accelerator.synchronize()
    return (time.perf_counter() - began) / len(batch)
