"""Measure occlusion per patch: incrementally, with captum at its best, and with a well-tuned loop.

    # The rows are merged into occlusion.md.
    .venv/bin/python -m benchmarks.occlusion --models vgg16 alexnet --grids 16/4
    # For a quick look, which writes nothing:
    .venv/bin/python -m benchmarks.occlusion --models alexnet --runs 1 --dry

All contenders take turns in one process. All see the same photograph at 224 × 224 and the same
random weights, whose batch norms know their statistics. captum runs the plain eager model, frozen,
with gradients off, in both memory formats, each at its best batch size. The loop and the
incremental engine run the prepared model (batch norms folded, channels last). What captum and the
loop take per patch depends neither on the patch nor on the grid, so that they are timed on a few
patches of 32 pixels. The incremental engine is timed on every k-th of its batches, ordered by what
their positions cost. Every run also compares the results.
"""

import argparse
import copy
import io
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from captum.attr import Occlusion as CaptumOcclusion
from PIL import Image
from torch import Tensor, nn

from benchmarks.interleaved import best, medians
from benchmarks.networks import calibrated
from jobs.process import keep_freed_memory
from retinoscope.demo_plan import photograph
from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.network.network import LOGITS, Network
from workers.toolkit.occlusion.choose_engine import choose_engine
from workers.toolkit.occlusion.cost import Cost
from workers.toolkit.occlusion.grid import occluded_scores, rectangles, spread
from workers.toolkit.occlusion.occluder import CleanPass
from workers.toolkit.occlusion.plan import Plan
from workers.toolkit.occlusion.request import OcclusionRequest
from workers.toolkit.occlusion.types import Positions, Rectangle

SIDE, CLASS = 224, 285
MODELS = (
    "vgg16",
    "alexnet",
    "resnet18",
    "resnet50",
    "mobilenet_v2",
    "squeezenet1_1",
    "efficientnet_lite0",
    "densenet121",
    "googlenet",
)
GRIDS = ("16/4", "16/8", "32/4", "32/8")
FLOORS = {
    "vgg16": 7,
    "squeezenet1_1": 6.3,
    "mobilenet_v2": 4.6,
    "alexnet": 3.2,
    "resnet18": 2.8,
    "resnet50": 2.8,
}
CAPTUM_BATCHES, LOOP_BATCHES = (8, 16, 32, 64), (16, 32, 64)
# Side and step of the 49 patches on which captum and the loop are timed.
FEW = 32
LAYOUTS = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last}
# The number of patches for which whole images are run too.
COMPARED = 24
# captum's bound is wider, since batch norms are folded in our network only.
WITHIN, WITHIN_CAPTUM = 1e-5, 1e-4
RESULTS = Path(__file__).with_suffix(".json")
CPU = torch.device("cpu")
HEAD = """# Occlusion, milliseconds per patch

Written by `python -m benchmarks.occlusion`, which describes the method, on 2 cores of an AMD EPYC.

- `captum` (the model as it comes, for which the floors were set), `captum, cl` (channels last) and
  `loop` run at their best batch size.
- `ceiling`: multiplications of whole images over those in the exact rectangles that patches change.
- `scheduled`: the same over those in the windows that batches share.
- `of the ceiling`: (loop / ours) / ceiling. It may exceed 100 %, since operators that do not
  multiply shrink too.
- Errors are relative to the largest logit.
- `clock`: elapsed time with two threads, or the processor time of one thread on a busy machine.

"""


@dataclass(frozen=True)
class Row:
    """Median milliseconds per patch of each contender on one grid.

    `ceiling` is the operations of whole images over those in exact rectangles.
    """

    model: str
    grid: str
    patches: int
    captum: float
    captum_batch: str
    # Channels last.
    captum_cl: float
    captum_cl_batch: str
    loop: float
    loop_batch: str
    ours: float
    # The number of patches on which ours was timed.
    timed: int
    ceiling: float
    # The same for the windows that the batches share.
    scheduled: float
    error: float
    captum_error: float
    runs: int
    one_thread: bool


def compare(
    model: str, grids: Sequence[str], runs: int, timed: int, one_thread: bool
) -> Iterator[Row]:
    """Yield a row for each grid. All grids take turns with captum and the loop."""
    plain = calibrated(model).requires_grad_(False)
    network, x = Network(copy.deepcopy(plain), 3, SIDE, SIDE), photo()
    cases = {
        grid: Case(plain, network, x, rectangles(SIDE, SIDE, *map(int, grid.split("/"))))
        for grid in grids
    }
    some = {grid: case.every_kth(timed) for grid, case in cases.items()}
    few, any_case = rectangles(SIDE, SIDE, FEW, FEW), next(iter(cases.values()))
    captum, captum_cl = (
        {str(size): partial(any_case.captum, name, size) for size in CAPTUM_BATCHES}
        for name in LAYOUTS
    )
    loop = {str(size): partial(any_case.loop, few, size) for size in LOOP_BATCHES}
    clock = time.process_time if one_thread else time.perf_counter
    batch, batch_cl, loop_batch = (
        best(settings, CPU, clock) for settings in (captum, captum_cl, loop)
    )
    peers = {"captum": captum[batch], "captum, cl": captum_cl[batch_cl], "loop": loop[loop_batch]}
    ours = {grid: partial(case.incremental, some[grid]) for grid, case in cases.items()}
    seconds = medians(peers | ours, runs, CPU, clock)
    for grid, case in cases.items():
        count = sum(len(batch) for batch in some[grid])
        ceiling, scheduled = case.operations()
        yield Row(
            model, grid, len(case.patches),
            1000 * seconds["captum"] / (len(few) + 1), batch,  # captum looks at the clean image too
            1000 * seconds["captum, cl"] / (len(few) + 1), batch_cl,
            1000 * seconds["loop"] / len(few), loop_batch, 1000 * seconds[grid] / count, count,
            ceiling, scheduled, case.error(some[grid]), case.captum_error(), runs, one_thread,
        )  # fmt: skip


class Case:
    """One model, one photograph and one grid."""

    def __init__(
        self, plain: nn.Module, network: Network, x: Tensor, patches: list[Rectangle]
    ) -> None:
        self._network, self._x, self.patches = network, x, patches
        self._plain = {
            name: (
                copy.deepcopy(plain).to(memory_format=layout),
                x.contiguous(memory_format=layout),
            )
            for name, layout in LAYOUTS.items()
        }
        self._fill = torch.zeros_like(x[0])
        self._engine = choose_engine(self._request(patches))
        assert self._engine.name == "incremental"
        self._largest = float(network.logits(x).abs().max())

    def _request(self, patches: list[Rectangle]) -> OcclusionRequest:
        return OcclusionRequest(
            self._network, LOGITS, lambda output: output[:, CLASS], self._x, patches, self._fill
        )

    def every_kth(self, timed: int) -> list[Positions]:
        """Return batches with about `timed` positions, from the cheapest to the most expensive."""
        clean = CleanPass(self._network.part((LOGITS,)), self._x)
        plan = Plan(self._network.part((LOGITS,)).graph, clean.values, self.patches)
        cost = Cost(plan, clean.values)
        batches = sorted(
            self._engine.batches, key=lambda batch: cost.per_position(plan.places(batch))
        )
        step = max(1, len(self.patches) // timed)
        return batches[step // 2 :: step]

    def captum(self, layout: str, size: int) -> Tensor:
        """Return captum's map (H, W)."""
        module, x = self._plain[layout]
        attribution = CaptumOcclusion(module).attribute(
            x,
            (3, FEW, FEW),
            strides=(3, FEW, FEW),
            baselines=0,
            target=CLASS,
            perturbations_per_eval=size,
        )
        return attribution[0, 0]

    def loop(self, patches: list[Rectangle], size: int) -> Tensor:
        with torch.inference_mode():
            return occluded_scores(self._score, self._x, patches, self._fill, lambda *_: None, size)

    def _score(self, images: Tensor) -> Tensor:
        return self._network.logits(images)[:, CLASS]

    def incremental(self, batches: Sequence[Positions]) -> Tensor:
        return torch.cat([self._engine.scores(batch) for batch in batches])

    def operations(self) -> tuple[float, float]:
        """Return how many times the operations of whole images exceed those of ours.

        First for exact rectangles, then for the windows that batches share.
        """
        clean = CleanPass(self._network.part((LOGITS,)), self._x)
        plan = Plan(self._network.part((LOGITS,)).graph, clean.values, self.patches)
        cost = Cost(plan, clean.values)
        exact = np.mean(
            [cost.per_position(plan.places(np.array([i]))) for i in range(len(self.patches))]
        )
        return sum(cost.whole.values()) / float(exact), self._engine.expected_speedup

    def error(self, batches: Sequence[Positions]) -> float:
        """Return the largest deviation from the loop in these batches, over the largest output."""
        some = np.concatenate(batches)[:: max(1, sum(map(len, batches)) // COMPARED)]
        theirs = self.loop([self.patches[i] for i in some], 16)
        return float((self._engine.scores(some) - theirs).abs().max()) / self._largest

    def captum_error(self) -> float:
        """Return the largest deviation from captum's map, over the largest output."""
        patches = rectangles(SIDE, SIDE, FEW, FEW)
        engine = choose_engine(self._request(patches))
        scores = torch.zeros(len(patches))
        for batch in engine.batches:
            scores[torch.from_numpy(batch)] = engine.scores(batch)
        ours = spread(self._score(self._x) - scores, patches, SIDE, SIDE, mean=True)
        return float((ours - self.captum("contiguous", 16)).abs().max()) / self._largest


def photo() -> Tensor:
    """Return the photograph as the networks' input, (1, 3, 224, 224)."""
    return (
        Preprocessing(256, SIDE, "bilinear", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
        .prepare(Image.open(io.BytesIO(photograph("chelsea"))).convert("RGB"))
        .x
    )


def table(rows: Sequence[Row]) -> str:
    lines = [
        "| model | patch/stride | clock | runs | captum | captum, cl | loop | ours | captum / ours "
        "| floor | captum, cl / ours | loop / ours | ceiling | scheduled | of the ceiling | error "
        "| against captum |",
        "| --- " * 17 + "|",
    ]
    for row in sorted(rows, key=lambda row: (MODELS.index(row.model), GRIDS.index(row.grid))):
        floor = FLOORS.get(row.model, "") if row.grid == "16/4" else ""
        reached = row.loop / row.ours
        clock = "one thread" if row.one_thread else "elapsed"
        lines.append(
            f"| {row.model} | {row.grid} | {clock} | {row.runs} | {row.captum:.2f} "
            f"| {row.captum_cl:.2f} | {row.loop:.2f} | {row.ours:.2f} "
            f"| **{row.captum / row.ours:.1f}** | {floor} | {row.captum_cl / row.ours:.1f} "
            f"| {reached:.2f} | {row.ceiling:.2f} | {row.scheduled:.2f} "
            f"| {reached / row.ceiling:.0%} | {row.error:.0e} | {row.captum_error:.0e} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", default=MODELS, choices=MODELS)
    parser.add_argument("--grids", nargs="+", default=["16/4"], choices=GRIDS)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--timed", type=int, default=700, help="patches of the incremental engine")
    parser.add_argument("--dry", action="store_true", help="write nothing")
    parser.add_argument(
        "--one-thread", action="store_true", help="processor time of one thread, for a busy machine"
    )
    asked = parser.parse_args()
    if asked.one_thread:
        torch.set_num_threads(1)
    rows = {(row["model"], row["grid"]): Row(**row) for row in _kept()}
    for model in asked.models:
        for row in compare(model, asked.grids, asked.runs, asked.timed, asked.one_thread):
            assert row.error < WITHIN and row.captum_error < WITHIN_CAPTUM, row
            rows[row.model, row.grid] = row
            print(table([row]).splitlines()[-1], flush=True)
        if not asked.dry:
            RESULTS.write_text(json.dumps([asdict(row) for row in rows.values()], indent=1) + "\n")
            RESULTS.with_suffix(".md").write_text(HEAD + table(list(rows.values())) + "\n")


def _kept() -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    return kept


if __name__ == "__main__":
    keep_freed_memory()
    with torch.no_grad():
        main()
