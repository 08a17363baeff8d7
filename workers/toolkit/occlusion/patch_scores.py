"""The score under every patch of a grid, with progress, by whichever engine is worth it."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from workers.toolkit.errors import NotFinite
from workers.toolkit.execution.memory import fitting
from workers.toolkit.execution.replay import ReplayLog
from workers.toolkit.occlusion.choice import Occlusion
from workers.toolkit.occlusion.engines import Name

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class PatchScores:
    scores: Tensor  # (patches,), in the order of the patches
    engine: Name
    expected_speedup: float  # operations of plain batches over those that were done


@torch.no_grad()
def patch_scores(occlusion: Occlusion, progress: Progress, record: ReplayLog) -> PatchScores:
    """Progress counts patches. Raises NotFinite, OutOfMemory, or what progress raises to stop."""
    engine = occlusion.engine()
    # By the patches' numbers: another process may find another engine faster, which goes through them in another order.
    score = record.scores(
        fitting(lambda places: engine.scores(places.numpy()), engine.fits), named=True
    )
    scores, done = torch.zeros(len(occlusion.patches), dtype=occlusion.x.dtype), 0
    for batch in engine.batches:
        progress(done, len(scores), "patches")
        places = torch.from_numpy(batch)
        scores[places] = score(places).cpu()
        done += len(batch)
    progress(len(scores), len(scores), "patches")
    if not bool(scores.isfinite().all()):
        raise NotFinite("The score is NaN or infinite under some patch. Try another fill.")
    return PatchScores(scores, engine.name, engine.expected_speedup)
