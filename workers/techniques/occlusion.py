"""Occlusion: how far the score falls when a patch hides each part of the image.

Zeiler & Fergus 2014, Visualizing and Understanding Convolutional Networks.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from torch import Tensor

from catalog.techniques.occlusion import TECHNIQUE, OcclusionSummary, ResolvedOcclusion
from workers.task import Task
from workers.toolkit.attribution.attribution import Attribution
from workers.toolkit.attribution.explained_input import ExplainedInput, Readout, explain_input
from workers.toolkit.attribution.zero_maps import unchanged_score
from workers.toolkit.execution.context import Context
from workers.toolkit.execution.replay import ReplayLog
from workers.toolkit.execution.types import Progress
from workers.toolkit.images.baselines import baseline_image
from workers.toolkit.network.network import Network
from workers.toolkit.occlusion.grid import rectangles, spread
from workers.toolkit.occlusion.patch_scores import PatchScores, patch_scores
from workers.toolkit.occlusion.request import OcclusionRequest
from workers.toolkit.occlusion.types import Rectangle

_UNITS = {
    "mean": "mean fall of the {score} under patches that hide the pixel",
    "sum": "sum of the falls of the {score} under patches that hide the pixel",
}


@dataclass(frozen=True)
class Occlusion:
    """The falls of the score under each patch, spread over the pixels that the patch covers.

    A patch shows `fill` (C, H, W). `base` is the score of the unchanged image. A pixel gets the
    mean of the falls under all patches that cover it, or their sum.
    """

    readout: Readout
    x: Tensor  # (1, C, H, W)
    patches: Sequence[Rectangle]
    fill: Tensor
    base: float
    mean: bool

    def explain(self, network: Network, log: ReplayLog, progress: Progress) -> PatchScores:
        """Return the score under each patch."""
        path = self.readout.unit.path
        request = OcclusionRequest(network, path, self.readout, self.x, self.patches, self.fill)
        return patch_scores(request, log, progress)

    def falls(self, found: PatchScores) -> Tensor:
        """Return the fall of the score under each patch, (patches,)."""
        return self.base - found.scores.double()

    def to_map(self, found: PatchScores) -> Tensor:
        """Return the falls, spread over the pixels, (H, W)."""
        height, width = self.x.shape[2:]
        return spread(self.falls(found), self.patches, height, width, mean=self.mean)

    def why_zero(self, explained: ExplainedInput, _found: PatchScores) -> str:
        """Say that no patch changes the score."""
        return unchanged_score(explained, "the patch hides")


def run(task: Task[ResolvedOcclusion], context: Context) -> OcclusionSummary:
    """Save the heatmap of the falls, and its check if requested.

    Raises ZeroMap, NotFinite or OutOfMemory.
    """
    params = task.params
    explained = explain_input(task.model, task.seen(), task.target)
    occlusion = _occlusion(explained, params)
    attribution = Attribution(explained, occlusion, context, params, task.seed, TECHNIQUE.title)
    found = attribution.explain()
    falls, values = occlusion.falls(found), occlusion.to_map(found)
    probability = params.score == "probability"
    result = attribution.save(values, _UNITS[params.aggregate], probability=probability)
    deepest = int(falls.argmax())
    box = explained.model_input.to_image(occlusion.patches[deepest])
    return OcclusionSummary(
        **asdict(result),
        positions=len(occlusion.patches),
        engine=found.engine,
        expected_speedup=round(found.expected_speedup, 2),
        largest_fall=float(falls[deepest]),
        largest_fall_score=occlusion.base - float(falls[deepest]),
        largest_fall_box=[round(side, 2) for side in box],
    )


def _occlusion(explained: ExplainedInput, params: ResolvedOcclusion) -> Occlusion:
    x, preprocessing = explained.model_input.x, explained.model.preprocessing
    height, width = x.shape[2:]
    probability = params.score == "probability"
    return Occlusion(
        explained.readout(probability=probability),
        x,
        rectangles(height, width, params.window, params.stride),
        baseline_image(params.fill, x, preprocessing.mean, preprocessing.std, params.window / 2),
        explained.score(probability=probability).value,
        mean=params.aggregate == "mean",
    )
