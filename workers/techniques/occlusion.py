"""Occlusion: how far the score falls when a patch hides each part of the image (Zeiler & Fergus 2014)."""

from torch import Tensor

from catalog.techniques.occlusion import OcclusionSummary, ResolvedOcclusion
from workers.task import Task
from workers.toolkit.attribution.attribution import Attribution, Progress
from workers.toolkit.attribution.explained_input import explain_input
from workers.toolkit.execution.context import Context
from workers.toolkit.images.baselines import baseline_image
from workers.toolkit.network.network import Network
from workers.toolkit.occlusion.choice import Occlusion
from workers.toolkit.occlusion.dense import rectangles, spread
from workers.toolkit.occlusion.patch_scores import PatchScores, patch_scores

BOTH_WAYS = 0.2


def run(task: Task[ResolvedOcclusion], context: Context) -> OcclusionSummary:
    params, model = task.params, task.model
    explained = explain_input(model, task.image(), task.target)
    x, probability = explained.model_input.x, params.score == "probability"
    height, width = x.shape[2:]
    patches = rectangles(height, width, params.window, params.stride)
    fill = baseline_image(
        params.fill, x, model.preprocessing.mean, model.preprocessing.std, params.window / 2
    )
    base: float = explained.score(probability=probability)["score_value"]

    found: list[PatchScores] = []

    def explain(network: Network, progress: Progress) -> Tensor:
        asked = Occlusion(
            network,
            explained.unit.path,
            explained.readout(probability=probability),
            x,
            patches,
            fill,
        )
        found.append(patch_scores(asked, progress, attribution.record))
        return base - found[0].scores.double()  # (patches,)

    def spread_out(falls: Tensor) -> Tensor:
        return spread(falls, patches, height, width, mean=params.aggregate == "mean")  # (H, W)

    attribution = Attribution(
        explained, context, explain, spread_out, params, task.seed, gradient=False
    )
    falls, values = attribution.explanation, attribution.marks
    # Where hiding a part raises the score about as much as it falls elsewhere, zero must have a colour of its own.
    both_ways = float(-values.min()) > BOTH_WAYS * float(values.max())
    told = attribution.leave(values, signed=both_ways, probability=probability)
    deepest = int(falls.argmax())
    return OcclusionSummary(
        **told,
        positions=len(patches),
        engine=found[0].engine,
        expected_speedup=round(found[0].expected_speedup, 2),
        largest_fall=float(falls[deepest]),
        largest_fall_score=base - float(falls[deepest]),
        largest_fall_box=[
            round(side, 2) for side in explained.model_input.to_image(patches[deepest])
        ],
    )
