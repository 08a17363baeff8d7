"""Does the map mark what the score hangs on? Hiding and showing what it marks, against the same map laid elsewhere.

Pixels hidden one by one at random are noise, which ruins any score at once: a smooth map that is right would lose
against them. The map itself, moved, has the same grain and the same shapes, and only the wrong place.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise, product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workers.toolkit.errors import NotFinite
from workers.toolkit.images.baselines import blur

MOVES = 2
_WAYS = 2
_BLUR = (
    1 / 22
)  # of the shorter side: 10 pixels of 224, where the default model knows nothing any more


def passes(pixels: int) -> int:
    """How many images the model is shown."""
    return (min(STEPS, pixels) + 1) * _WAYS * (1 + MOVES)


Score = Callable[[Tensor], Tensor]  # (B, C, H, W) → (B,)


def deletion_insertion(
    score: Score, x: Tensor, marks: Tensor, seed: int, progress: Callable[[int], None]
) -> dict[str, Any]:
    """Curves and areas of a map (H, W) on x (1, C, H, W), under the names they have in the summary.

    `progress` is told how many of `passes` are over. Raises NotFinite.
    """
    generator = torch.Generator().manual_seed(seed)
    counts = pixel_counts(marks.numel())
    ways = {
        "deletion": (x, torch.zeros_like(x)),
        "insertion": (blur(x, min(x.shape[2:]) * _BLUR), x),
    }
    maps = [("", marks), *(("random_", shifted_map(marks, generator)) for _ in range(MOVES))]
    curves: dict[str, list[Tensor]] = {}
    for i, ((prefix, one), (way, (before, after))) in enumerate(product(maps, ways.items())):
        ranks, told = pixel_ranks(one, generator), _from(i * len(counts), progress)
        curves.setdefault(prefix + way, []).append(
            replace_pixels(score, before, after, ranks, counts, told)
        )
    return _summed_up([count / marks.numel() for count in counts], curves)


def shifted_map(marks: Tensor, generator: torch.Generator) -> Tensor:
    """The map (H, W), shifted by a quarter to three quarters of each side; what leaves comes in on the other side."""
    shifts = [
        int(torch.randint(size // 4, size - size // 4 + 1, (), generator=generator))
        for size in marks.shape
    ]
    return marks.roll(shifts, (0, 1))


def _from(began: int, progress: Callable[[int], None]) -> Callable[[int], None]:
    return lambda done: progress(began + done)


def _summed_up(fractions: list[float], curves: dict[str, list[Tensor]]) -> dict[str, Any]:
    found: dict[str, Any] = {"fractions": fractions}
    for name, several in curves.items():
        scores = torch.stack(several).double().mean(0).tolist()
        found |= {name: scores, f"{name}_auc": area(fractions, scores)}
    return found


CLOSE = 0.05  # areas that differ by less than this part of the score's fall are called equal
LITTLE = 0.01  # a probability that is none
SAME, OTHER = (
    0.8,
    0.5,
)  # rank correlation of a map that ignores the last layer, and of one that follows it


def verdict(found: Mapping[str, Any]) -> str:
    """How to read the fields of a check."""
    parts = [_hiding(found), _showing(found)]
    correlation = found.get("randomized_correlation")
    if correlation is not None:
        parts.append(f"the map {_change(correlation)} (rank correlation {correlation:.2f})")
    said = "; ".join(parts) + "."
    return said[0].upper() + said[1:]


def _hiding(found: Mapping[str, Any]) -> str:
    base, empty = found["deletion"][0], found["deletion"][-1]
    if found["score"] == "probability" and base < LITTLE:
        return f"the model gives this class {base:.2g} at first, so there is nothing to lose and hiding says nothing"
    if base <= empty:
        return f"without the image the score is no lower ({empty:.2g} against {base:.2g}), so hiding says nothing"
    gain = found["random_deletion_auc"] - found["deletion_auc"]
    return (
        f"hiding what the map marks lowers the score {_speed(gain, CLOSE * (base - empty))} hiding as much elsewhere "
        f"({found['deletion_auc']:.2g} against {found['random_deletion_auc']:.2g})"
    )


def _showing(found: Mapping[str, Any]) -> str:
    blurred, whole = found["insertion"][0], found["insertion"][-1]
    if found["score"] == "probability" and whole < LITTLE:
        return "nor does showing"
    if whole - blurred <= CLOSE * abs(whole):
        return f"the blurred image has the score already ({blurred:.2g} of {whole:.2g}), so showing says nothing"
    gain = found["insertion_auc"] - found["random_insertion_auc"]
    return (
        f"showing it raises the score {_speed(gain, CLOSE * (whole - blurred))} showing as much elsewhere "
        f"({found['insertion_auc']:.2g} against {found['random_insertion_auc']:.2g})"
    )


def _speed(gain: float, span: float) -> str:
    if abs(gain) <= span:
        return "about as fast as"
    return "faster than" if gain > 0 else "more slowly than"


def _change(correlation: float) -> str:
    if correlation >= SAME:
        return (
            "hardly changes when the last weights before the target are shuffled, "
            "so it shows the image more than this score"
        )
    return (
        "changes with the last weights before the target"
        if correlation < OTHER
        else "changes only in part with the last weights before the target"
    )


def rank_correlation(one: Tensor, other: Tensor) -> float:
    """Of two maps of one shape, −1..1; 0 where one of them is constant."""
    ranks = np.stack([_mean_ranks(one), _mean_ranks(other)])  # (2, pixels)
    ranks -= ranks.mean(axis=1, keepdims=True)
    lengths = np.sqrt((ranks**2).sum(axis=1))
    return float(ranks[0] @ ranks[1] / lengths.prod()) if lengths.all() else 0.0


def _mean_ranks(values: Tensor) -> NDArray[np.float64]:
    flat = values.detach().cpu().numpy().ravel()
    _, which, count = np.unique(flat, return_inverse=True, return_counts=True)
    last = count.cumsum()
    ranks: NDArray[np.float64] = (last - (count - 1) / 2)[which]
    return ranks


STEPS = 20  # 5% of the pixels at a time
BATCH = 16


def pixel_ranks(values: Tensor, generator: torch.Generator) -> Tensor:
    """The place of every pixel of a map (H, W) when the highest value comes first, → (H, W).

    Pixels of equal value follow each other in random order.
    """
    flat = values.detach().cpu().flatten()
    shuffled = torch.randperm(flat.numel(), generator=generator)
    order = shuffled[flat[shuffled].argsort(descending=True, stable=True)]
    ranks = torch.empty_like(order)
    ranks[order] = torch.arange(len(order))
    return ranks.reshape(values.shape)


def pixel_counts(pixels: int, steps: int = STEPS) -> list[int]:
    """How many pixels are changed at each point of a curve: from none to all in equal steps."""
    steps = min(steps, pixels)
    return [round(pixels * step / steps) for step in range(steps + 1)]


@torch.no_grad()
def replace_pixels(
    score: Score,
    before: Tensor,
    after: Tensor,
    ranks: Tensor,
    counts: Sequence[int],
    progress: Callable[[int], None],
    batch: int = BATCH,
) -> Tensor:
    """The score of `before` with its first pixels taken from `after`, both (1, C, H, W), → (counts,).

    `ranks` (H, W) orders the pixels, `counts` says how many are taken; `progress` is told how many scores are known.
    Raises NotFinite.
    """
    ranks, scores = ranks.to(before.device), []
    for start in range(0, len(counts), batch):
        progress(start)
        taken = (
            ranks < torch.tensor(counts[start : start + batch], device=before.device)[:, None, None]
        )
        scores.append(score(torch.where(taken[:, None], after, before)))
    progress(len(counts))
    curve = torch.cat(scores)
    if not bool(curve.isfinite().all()):
        raise NotFinite(
            "The score is NaN or infinite while the check hides the image. Ask without `check`."
        )
    return curve


def area(fractions: Sequence[float], scores: Sequence[float]) -> float:
    """The area under a curve, by trapezoids; over fractions from 0 to 1 it is a mean score."""
    points = pairwise(zip(fractions, scores, strict=True))
    return sum((x1 - x0) * (y0 + y1) / 2 for (x0, y0), (x1, y1) in points)
