"""Which engine a network and a grid get: the incremental one wherever it is worth it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, fx

from workers.toolkit.batches import batch_size, free_bytes
from workers.toolkit.errors import NotExportable
from workers.toolkit.incremental.engines import Dense, Engine, Incremental, Name, Read
from workers.toolkit.incremental.memory import most_bytes
from workers.toolkit.incremental.occluder import CleanPass
from workers.toolkit.incremental.plan import Plan
from workers.toolkit.incremental.rules import Values
from workers.toolkit.incremental.schedule import Schedule
from workers.toolkit.network import Network
from workers.toolkit.occlusion import Rectangle

WORTH_IT = 1.3  # below this, what is not computed is eaten up by cutting and pasting
_MOST = {"cpu": 96, "cuda": 512}  # positions in a batch; larger ones are no faster
_SHARE = 0.25  # of the free memory: other jobs live here too
_REMEMBERED = 4  # grids per graph


@dataclass
class Known:
    """What is remembered of a graph and a grid."""

    plan: Plan
    schedule: Schedule
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

    def engine(self, name: Name | None = None, most: int | None = None) -> Engine:
        """The engine of that name and batch size, or the better one."""
        if name == "dense":
            return self.dense(most)
        try:
            graph = self.network.part((self.path,))
        except NotExportable:
            return self.dense(most)
        clean = CleanPass(graph, self.x)
        known = self._known(graph, clean.values, most)
        if name is None and known.schedule.speedup < WORTH_IT:
            return self.dense(most)
        incremental = Incremental(known.plan, known.schedule, clean, self.read, self.fill)
        if name is None and self.x.device.type != "cpu":
            known.faster = known.faster or _faster(incremental, self.dense())
            return self.dense() if known.faster == "dense" else incremental
        return incremental

    def dense(self, most: int | None = None) -> Dense:
        most = most or batch_size(self.network, self.path)
        return Dense(self.network, self.path, self.read, self.x, self.patches, self.fill, most)

    def _known(self, graph: fx.GraphModule, clean: Values, most: int | None) -> Known:
        """Plan and schedule, made once for as long as the graph lives."""
        kept: dict[object, Known] = graph.meta.setdefault("occlusion", {})
        key = (tuple(self.x.shape), tuple(self.patches), most)
        if key not in kept:
            if len(kept) >= _REMEMBERED:
                kept.pop(next(iter(kept)))
            plan = Plan(graph.graph, clean, self.patches)
            kept[key] = Known(plan, _schedule(plan, clean, self.x.device, most))
        return kept[key]


def _schedule(plan: Plan, clean: Values, device: torch.device, most: int | None) -> Schedule:
    """With batches as large as is of use, and as the free memory allows."""
    tried = most or _MOST.get(device.type, 96)
    while True:
        schedule = Schedule(plan, clean, tried)
        if most or tried == 1 or most_bytes(plan, clean, schedule.batches) <= _SHARE * free_bytes(device):
            return schedule
        tried = max(1, tried // 2)


def _faster(*engines: Engine) -> Name:
    """The name of the engine that needs least time per patch, by one batch of each after another to warm up."""
    return min(engines, key=_seconds).name


def _seconds(engine: Engine) -> float:
    """Per patch, on a device that works by itself."""
    batch = max(engine.batches, key=len)
    engine.scores(batch)
    torch.accelerator.synchronize()
    began = time.perf_counter()
    engine.scores(batch)
    torch.accelerator.synchronize()
    return (time.perf_counter() - began) / len(batch)
