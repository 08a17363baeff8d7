"""Occlusion: how far the score falls when a patch hides each part of the image (Zeiler & Fergus 2014)."""

from PIL import Image
from torch import Tensor

from catalog.targets import parse_target
from catalog.techniques.occlusion import OcclusionParams, OcclusionSummary
from workers.toolkit.context import Context
from workers.toolkit.fill import fill_image
from workers.toolkit.heatmap import leave_heatmap
from workers.toolkit.occlusion import occluded_scores, rectangles, spread
from workers.toolkit.subject import look
from workers.toolkit.vision_model import VisionModel

BOTH_WAYS = 0.2


def run(
    params: OcclusionParams, model: VisionModel, images: dict[str, Image.Image], context: Context
) -> OcclusionSummary:
    subject = look(model, images["image"], parse_target(params.target, model.labels, model.name))
    x, unit = subject.view.x, subject.unit
    probability = unit.is_class and params.score == "probability"

    def score(batch: Tensor) -> Tensor:
        output = model.network.run(batch, unit.path)
        return unit.read(output.softmax(1) if probability else output)

    height, width = x.shape[2:]
    window, stride = params.grid(min(height, width))
    patches = rectangles(height, width, window, stride)
    fill = fill_image(params.fill, x, model.eye.mean, model.eye.std, window / 2)
    scores = occluded_scores(score, x, patches, fill, context.progress)
    base = subject.score(probability=probability)
    falls = base["score_value"] - scores.double().cpu()
    values = spread(falls, patches, height, width, mean=params.aggregate == "mean")
    # Where hiding a part raises the score about as much as it falls elsewhere, zero must have a colour of its own.
    both_ways = float(-values.min()) > BOTH_WAYS * float(values.max())
    shown = leave_heatmap(context, subject.view, values, signed=both_ways)
    deepest = int(falls.argmax())
    return OcclusionSummary(
        **subject.facts(),
        **base,
        **shown,
        positions=len(patches),
        largest_fall=float(falls[deepest]),
        largest_fall_score=float(scores[deepest]),
        largest_fall_box=[round(side, 2) for side in subject.view.to_image(patches[deepest])],
    )
