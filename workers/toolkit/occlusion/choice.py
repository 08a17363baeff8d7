"""Which engine a network and a grid get: the incremental one wherever it is worth it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, fx

from workers.toolkit.execution.batches import batch_size, power_of_two
from workers.toolkit.execution.device_memory import free_bytes
from workers.toolkit.network.network import Network
from workers.toolkit.occlusion.dense import Rectangle
from workers.toolkit.occlusion.engines import Dense, Engine, Incremental, Name, Read
from workers.toolkit.occlusion.occluder import CleanPass
from workers.toolkit.occlusion.plan import Plan
from workers.toolkit.occlusion.rules import Values
from workers.toolkit.occlusion.schedule import Positions, Schedule, position_bytes

WORTH_IT = 1.3  # below this, what is not computed is eaten up by cutting and pasting
MOST = 96  # positions in a batch; on a CPU larger ones are no faster
_SHARE = 0.25  # of the free memory: other jobs live here too
_REMEMBERED = 4  # grids per graph


@dataclass
class Known:
    """What is remembered of a graph and a grid."""

    plan: Plan
    schedule: Schedule
    position_bytes: int
    faster: Name | None = None  # as measured, where it was


@dataclass(frozen=True)
class Occlusion:
    """What is asked: the scores of x (1, C, H, W) under patches that show `fill` (C, H, W).

    `read` makes a score of each row of the output of the layer `path`: (n, …) → (n,).
    """

    network: Network
    path: str
    read: Read
    x: Tensor
    patches: Sequence[Rectangle]
    fill: Tensor

    def engine(self) -> Engine:
        """The better one. Its batches depend on graph and grid only, so that a run can go on in another process."""
        graph = self.network.part((self.path,))
        clean = CleanPass(graph, self.x)
        known = self._known(graph, clean.values)
        dense = self.dense(known.schedule.batches)
        if known.schedule.speedup < WORTH_IT:
            return dense
        fits = int(_SHARE * free_bytes(self.x.device) / known.position_bytes)
        incremental = Incremental(
            known.plan, known.schedule, clean, self.read, self.fill, power_of_two(fits)
        )
        if self.x.device.type != "cpu":
            known.faster = known.faster or _faster(incremental, dense)
            return dense if known.faster == "dense" else incremental
        return incremental

    def dense(self, batches: Sequence[Positions]) -> Dense:
        fits = batch_size(self.network, self.path)
        return Dense(
            self.network, self.path, self.read, self.x, self.patches, self.fill, batches, fits
        )

    def _known(self, graph: fx.GraphModule, clean: Values) -> Known:
        """Plan and schedule, made once for as long as the graph lives."""
        kept: dict[object, Known] = graph.meta.setdefault("occlusion", {})
        key = (tuple(self.x.shape), tuple(self.patches))
        if key not in kept:
            if len(kept) >= _REMEMBERED:
                kept.pop(next(iter(kept)))
            plan = Plan(graph.graph, clean, self.patches)
            schedule = Schedule(plan, clean, MOST)
            kept[key] = Known(plan, schedule, position_bytes(plan, clean, schedule.batches))
        return kept[key]


def _faster(*engines: Engine) -> Name:
    """The name of the engine that needs least time per patch, by its largest batch after one to warm up."""
    return min(engines, key=_seconds).name


def _seconds(engine: Engine) -> float:
    """Per patch, on a device that works by itself."""
    batch = max(engine.batches, key=len)[: engine.fits]
    engine.scores(batch)
    torch.accelerator.synchronize()
    began = time.perf_counter()
    engine.scores(batch)
    torch.accelerator.synchronize()
    return (time.perf_counter() - began) / len(batch)
