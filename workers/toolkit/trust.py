"""Does the map mark what the score hangs on? Hiding and showing what it marks, against the same map laid elsewhere.

Pixels hidden one by one at random are noise, which ruins any score at once: a smooth map that is right would lose
against them. The map itself, moved, has the same grain and the same shapes, and only the wrong place.
"""

from collections.abc import Callable
from itertools import product
from typing import Any

import torch
from torch import Tensor

from workers.toolkit.deletion import STEPS, Score, area, cuts, exchange, pixel_ranks
from workers.toolkit.fill import blur

MOVES = 2
_WAYS = 2
_BLUR = 1 / 22  # of the shorter side: 10 pixels of 224, where the default model knows nothing any more


def passes(pixels: int) -> int:
    """How many images the model is shown."""
    return (min(STEPS, pixels) + 1) * _WAYS * (1 + MOVES)


def hide_and_show(score: Score, x: Tensor, marks: Tensor, seed: int, progress: Callable[[int], None]) -> dict[str, Any]:
    """Curves and areas of a map (H, W) on x (1, C, H, W), under the names they have in the summary.

    `progress` is told how many of `passes` are over. Raises NotFinite.
    """
    generator = torch.Generator().manual_seed(seed)
    counts = cuts(marks.numel())
    ways = {"deletion": (x, torch.zeros_like(x)), "insertion": (blur(x, min(x.shape[2:]) * _BLUR), x)}
    maps = [("", marks), *(("random_", moved(marks, generator)) for _ in range(MOVES))]
    curves: dict[str, list[Tensor]] = {}
    for i, ((prefix, one), (way, (before, after))) in enumerate(product(maps, ways.items())):
        ranks, told = pixel_ranks(one, generator), _from(i * len(counts), progress)
        curves.setdefault(prefix + way, []).append(exchange(score, before, after, ranks, counts, told))
    return _summed_up([count / marks.numel() for count in counts], curves)


def moved(marks: Tensor, generator: torch.Generator) -> Tensor:
    """The map (H, W), shifted by a quarter to three quarters of each side; what leaves comes in on the other side."""
    shifts = [int(torch.randint(size // 4, size - size // 4 + 1, (), generator=generator)) for size in marks.shape]
    return marks.roll(shifts, (0, 1))


def _from(began: int, progress: Callable[[int], None]) -> Callable[[int], None]:
    return lambda done: progress(began + done)


def _summed_up(fractions: list[float], curves: dict[str, list[Tensor]]) -> dict[str, Any]:
    found: dict[str, Any] = {"fractions": fractions}
    for name, several in curves.items():
        scores = torch.stack(several).double().mean(0).tolist()
        found |= {name: scores, f"{name}_auc": area(fractions, scores)}
    return found
