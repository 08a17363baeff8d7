"""The score under every patch of a grid, with progress, by the faster engine."""

from dataclasses import dataclass

import torch
from torch import Tensor

from workers.toolkit.execution.batch_runner import BatchRunner
from workers.toolkit.execution.replay import ReplayLog
from workers.toolkit.execution.types import Progress
from workers.toolkit.occlusion.choose_engine import choose_engine
from workers.toolkit.occlusion.grid import require_finite
from workers.toolkit.occlusion.request import OcclusionRequest
from workers.toolkit.occlusion.types import EngineName


@dataclass(frozen=True)
class PatchScores:
    """The scores (patches,) in the order of the patches, and the engine that computed them.

    `expected_speedup` is the number of multiplications for whole images over the engine's.
    """

    scores: Tensor
    engine: EngineName
    expected_speedup: float


@torch.no_grad()
def patch_scores(request: OcclusionRequest, log: ReplayLog, progress: Progress) -> PatchScores:
    """Return the scores under all patches of the request; scores that the log holds are replayed.

    Progress counts patches. Raises NotFinite, OutOfMemory, or what progress raises to stop.
    """
    engine = choose_engine(request)

    def score(positions: Tensor) -> Tensor:
        return engine.scores(positions.numpy())

    # The scores have the patches' numbers as keys: another process may choose another engine,
    # which computes them in another order.
    runner = BatchRunner(score, engine.most, log.score_series(by_key=True))
    scores, done = torch.zeros(len(request.patches), dtype=request.x.dtype), 0
    for batch in engine.batches:
        progress(done, len(scores), "patches")
        positions = torch.from_numpy(batch)
        scores[positions] = runner.run(positions).cpu()
        done += len(batch)
    progress(len(scores), len(scores), "patches")
    return PatchScores(require_finite(scores), engine.name, engine.expected_speedup)
