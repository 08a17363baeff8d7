"""The score under every patch of a grid, with progress and checkpoints, by whichever engine is worth it."""

import io
import logging
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from workers.toolkit.context import Context
from workers.toolkit.errors import NotFinite
from workers.toolkit.incremental.choice import Occlusion
from workers.toolkit.incremental.engines import Name

log = logging.getLogger(__name__)

Progress = Callable[[int, int, str], None]

_FORMAT = 1  # of the checkpoint; another number where its fields mean something else


@dataclass(frozen=True)
class PatchScores:
    scores: Tensor  # (patches,), in the order of the patches
    engine: Name
    expected_speedup: float  # operations of plain batches over those that were done


@dataclass
class _State:
    """All that is needed to go on: batches must be the same, for results to be so to the last bit."""

    engine: Name
    most: int
    done: int  # batches
    scores: Tensor  # (patches,); zero where not known yet


@torch.no_grad()
def patch_scores(occlusion: Occlusion, progress: Progress, context: Context) -> PatchScores:
    """Progress counts patches. Raises NotFinite, or what progress and context raise to stop."""
    total = len(occlusion.patches)
    state = _resumed(context, total)
    engine = occlusion.engine(state.engine, state.most) if state else occlusion.engine()
    state = state or _State(engine.name, engine.most, 0, torch.zeros(total, dtype=occlusion.x.dtype))
    over = sum(len(batch) for batch in engine.batches[: state.done])
    for batch in engine.batches[state.done :]:
        progress(over, total, "patches")
        state.scores[torch.from_numpy(batch)] = engine.scores(batch).cpu()
        state.done, over = state.done + 1, over + len(batch)
        context.checkpoint(lambda: _written(state))
    progress(total, total, "patches")
    if not bool(state.scores.isfinite().all()):
        raise NotFinite("The score is NaN or infinite under some patch. Try another fill.")
    return PatchScores(state.scores, engine.name, engine.expected_speedup)


def _written(state: _State) -> bytes:
    buffer = io.BytesIO()
    torch.save(vars(state) | {"format": _FORMAT}, buffer)
    return buffer.getvalue()


def _resumed(context: Context, patches: int) -> _State | None:
    """None for what was written by another version, or is damaged: then the run begins anew."""
    saved = context.resume()
    if saved is None:
        return None
    try:
        values = torch.load(io.BytesIO(saved), weights_only=True)
        if values.pop("format") != _FORMAT or len(values["scores"]) != patches:
            raise ValueError("of another version")
        return _State(**values)
    except Exception:  # torch raises whatever it likes at damaged files
        log.warning("the checkpoint cannot be used; beginning anew", exc_info=True)
        return None
