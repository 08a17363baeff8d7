"""Deletion and insertion tests of a map, against shifted copies of the map as a control.

The tests follow Petsiuk et al. 2018. Their usual control, pixels in random order, is noise, which
ruins any score at once: a smooth map that is right would lose against it. A shifted copy of the
map has the same grain and the same shapes, and only the wrong place.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from workers.toolkit.attribution.pixel_replacement import (
    STEPS,
    area,
    pixel_counts,
    pixel_ranks,
    replace_pixels,
)
from workers.toolkit.execution.types import Score
from workers.toolkit.images.baselines import blur

SHIFTED_COPIES = 2
_CURVES_PER_MAP = 2
# The standard deviation of the blur, as a share of the shorter side: 10 pixels of 224, where the
# default model recognizes nothing any more.
_BLUR = 1 / 22


@dataclass(frozen=True)
class DeletionInsertion:
    """Scores at each of `fractions` of the pixels, and the areas under these curves.

    `random_…` is the mean over the shifted copies of the map.
    """

    fractions: list[float]
    deletion: list[float]
    deletion_auc: float
    random_deletion: list[float]
    random_deletion_auc: float
    insertion: list[float]
    insertion_auc: float
    random_insertion: list[float]
    random_insertion_auc: float


def passes(pixels: int) -> int:
    """Return how many images the tests of a map of that many pixels show to the model."""
    return (min(STEPS, pixels) + 1) * _CURVES_PER_MAP * (1 + SHIFTED_COPIES)


def deletion_insertion(
    score: Score, x: Tensor, marks: Tensor, seed: int, progress: Callable[[int], None]
) -> DeletionInsertion:
    """Return the curves of a map (H, W) on x (1, C, H, W).

    Deletion sets the pixels of the highest values to zero first. Insertion begins with a blurred
    image and makes them sharp. `progress` gets the number of images that the model has seen, of
    `passes`. Raises NotFinite.
    """
    generator = torch.Generator().manual_seed(seed)
    counts = pixel_counts(marks.numel())
    zero, blurred = torch.zeros_like(x), blur(x, min(x.shape[2:]) * _BLUR)
    shifted = [shifted_map(marks, generator) for _ in range(SHIFTED_COPIES)]
    deletions: list[Tensor] = []
    insertions: list[Tensor] = []
    begun = 0

    def report(done: int) -> None:
        progress(begun + done)

    for one_map in [marks, *shifted]:
        for curves, before, after in ((deletions, x, zero), (insertions, blurred, x)):
            ranks = pixel_ranks(one_map, generator)
            curves.append(replace_pixels(score, before, after, ranks, counts, report))
            begun += len(counts)
    return _summarize([count / marks.numel() for count in counts], deletions, insertions)


def shifted_map(marks: Tensor, generator: torch.Generator) -> Tensor:
    """Shift a map (H, W) by a quarter to three quarters of each side.

    What leaves the map on one side comes in on the other.
    """
    shifts = [
        int(torch.randint(size // 4, size - size // 4 + 1, (), generator=generator))
        for size in marks.shape
    ]
    return marks.roll(shifts, (0, 1))


def _summarize(
    fractions: list[float], deletions: list[Tensor], insertions: list[Tensor]
) -> DeletionInsertion:
    """Return the curves; the first of each list is the map's, the others are its copies'."""
    deletion, random_deletion = _mean(deletions[:1]), _mean(deletions[1:])
    insertion, random_insertion = _mean(insertions[:1]), _mean(insertions[1:])
    return DeletionInsertion(
        fractions=fractions,
        deletion=deletion,
        deletion_auc=area(fractions, deletion),
        random_deletion=random_deletion,
        random_deletion_auc=area(fractions, random_deletion),
        insertion=insertion,
        insertion_auc=area(fractions, insertion),
        random_insertion=random_insertion,
        random_insertion_auc=area(fractions, random_insertion),
    )


def _mean(curves: list[Tensor]) -> list[float]:
    scores: list[float] = torch.stack(curves).double().mean(0).tolist()
    return scores
