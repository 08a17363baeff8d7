"""RISE: random masks, averaged by the score of the masked image (Petsiuk et al. 2018)."""

from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from catalog.techniques.rise import TECHNIQUE, ResolvedRise, RiseSummary
from workers.task import Task
from workers.toolkit.attribution.attribution import Attribution
from workers.toolkit.attribution.explained_input import ExplainedInput, explain_input
from workers.toolkit.attribution.rise import Masks, rise
from workers.toolkit.attribution.zero_maps import unchanged_score
from workers.toolkit.execution.context import Context
from workers.toolkit.execution.replay import ReplayLog
from workers.toolkit.execution.types import Progress
from workers.toolkit.images.baselines import baseline_image
from workers.toolkit.network.network import Network

UNITS = "mean {score} of the images that show the pixel"


@dataclass(frozen=True)
class Rise:
    """The mean of `count` random masks, weighted by the score of the masked image.

    A closed mask shows `fill` (C, H, W). With `probability`, the score of a class is its
    probability.
    """

    explained: ExplainedInput
    fill: Tensor
    masks: Masks
    count: int
    seed: int
    probability: bool

    def explain(self, _network: Network, log: ReplayLog, progress: Progress) -> Tensor:
        """Return the weighted mean, (H, W), or zeros if all scores are the same.

        The mean then shows the masks, and nothing of the image.
        """
        runner = self.explained.score_runner(log.score_series(), probability=self.probability)
        x = self.explained.model_input.x
        found = rise(runner.run, x, self.fill, self.masks, self.count, self.seed, progress)
        return found.mean if found.varies else torch.zeros_like(found.mean)

    def to_map(self, mean: Tensor) -> Tensor:
        """Return the weighted mean, which is the map."""
        return mean

    def why_zero(self, explained: ExplainedInput, _mean: Tensor) -> str:
        """Say that no mask changes the score."""
        return unchanged_score(explained, "the masks hide")


def run(task: Task[ResolvedRise], context: Context) -> RiseSummary:
    """Save the heatmap of the masks' mean, and its check if requested.

    Raises ZeroMap, NotFinite or OutOfMemory.
    """
    params = task.params
    explained = explain_input(task.model, task.seen(), task.target)
    explainer = Rise(
        explained,
        _fill(explained, params),
        Masks(params.grid, params.probability),
        params.masks,
        task.seed,
        probability=params.score == "probability",
    )
    attribution = Attribution(explained, explainer, context, params, task.seed, TECHNIQUE.title)
    values = explainer.to_map(attribution.explain())
    result = attribution.save(values, UNITS, probability=explainer.probability)
    return RiseSummary(
        **asdict(result),
        masks=params.masks,
        peak=_peak(explained, values),
    )


def _fill(explained: ExplainedInput, params: ResolvedRise) -> Tensor:
    """Return what a closed mask shows, (C, H, W); a blur spreads half a cell of the grid."""
    x, preprocessing = explained.model_input.x, explained.model.preprocessing
    sigma = min(x.shape[2:]) / params.grid / 2
    return baseline_image(params.fill, x, preprocessing.mean, preprocessing.std, sigma)


def _peak(explained: ExplainedInput, values: Tensor) -> list[float]:
    """Return the middle of the highest pixel of the map, x and y in pixels of the photograph."""
    row, column = divmod(int(values.argmax()), values.shape[1])
    pixel = (column, row, column + 1, row + 1)
    left, top, right, bottom = explained.model_input.to_image(pixel)
    return [round((left + right) / 2, 2), round((top + bottom) / 2, 2)]
