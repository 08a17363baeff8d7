"""DeepDream: a photograph with more of what the network sees in it (Mordvintsev et al. 2015)."""

from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor

from catalog.heatmap import ExplainedTarget
from catalog.optimization import PredictedClass
from catalog.targets import Target
from catalog.techniques.deep_dream import OVERLAP, DeepDreamSummary, DreamTarget, ResolvedDeepDream
from workers.task import Task
from workers.toolkit.attribution.explained_input import target_summary
from workers.toolkit.execution.context import Context, save_png
from workers.toolkit.images.picture import from_image, from_levels, to_image
from workers.toolkit.network.maps import layers_at
from workers.toolkit.network.unit import find_unit
from workers.toolkit.network.vision_model import VisionModel
from workers.toolkit.optimization.curve import save_curve
from workers.toolkit.optimization.deep_dream import DeepDream, octave_sizes
from workers.toolkit.optimization.engine import Stage, optimize
from workers.toolkit.optimization.objectives import WeightedObjective, check_guide, normalized
from workers.toolkit.optimization.transforms import enlarge_centre, save_animation

_DEPTH = 2 / 3  # where the layers of most networks answer to parts of things
_FRAME_MS = 80


def run(task: Task[ResolvedDeepDream], context: Context) -> DeepDreamSummary:
    params, model = task.params, task.model
    targets, layers_from = _targets(task)
    base = _base(task.image(), params.size, model)
    dream = DeepDream(
        model.network.at(params.tile, params.tile),
        model.preprocessing,
        _aims(targets, model, task.image(), task.find_image("guide")),
        octave_sizes(base.shape[2], base.shape[3], params.octaves, params.octave_scale),
        params.steps,
        params.rate,
        params.jitter,
        params.tile // OVERLAP,
    )
    frames: list[Tensor] = []
    stages = _stages(params, dream, base, frames)
    save_curve(context, optimize(stages, context, seed=task.seed, device=model.device, kept=frames))
    picture = to_image(frames[0])
    save_png(context, "image.png", picture)
    if params.zoom_frames:
        save_animation(context, "zoom.webp", [to_image(frame) for frame in frames], _FRAME_MS)
    return DeepDreamSummary(
        targets=_answers(targets, model, dream, base, from_levels(frames[0])),
        layers_from=layers_from,
        guided="guide" in task.inputs,
        octaves=[list(size) for size in dream.sizes],
        tile=params.tile,
        tiles=[dream.tiles(*size).count for size in dream.sizes],
        frames=len(frames) if params.zoom_frames else 0,
        predicted_before=_predicted(model, task.image()),
        predicted=_predicted(model, picture),
    )


def _targets(task: Task[ResolvedDeepDream]) -> tuple[tuple[Target, ...], str]:
    """Return the targets, and where they are from."""
    if task.params.targets is None:
        (path,) = layers_at(task.model.network, [_DEPTH])
        return (Target(path, "layer", layer=path),), "depth"
    recommended = task.params.targets == task.model.recommended.get("deep_dream")
    return task.targets, "recommended" if recommended else "given"


def _base(image: Image.Image, longer: int, model: VisionModel) -> Tensor:
    """The photograph with that longer side: (1, C, H, W) in 0..1."""
    width, height = (max(2, round(side * longer / max(image.size))) for side in image.size)
    resized = image.resize((width, height), Image.Resampling.LANCZOS)
    return from_image(resized, len(model.preprocessing.mean)).to(model.device)


def _aims(
    targets: Sequence[Target], model: VisionModel, image: Image.Image, guide: Image.Image | None
) -> list[WeightedObjective]:
    """Raises NoGuide."""
    photograph = model.prepare(image).x
    shown = None if guide is None else model.prepare(guide).x
    with torch.no_grad():
        logits = model.network.logits(photograph)
    aims = []
    for target in targets:
        unit = find_unit(target, model.network, logits)
        aim = WeightedObjective(target.text, unit, target.weight)
        aims.append(normalized(model.network, aim, photograph, shown))
    if shown is not None:
        check_guide(aims)
    return aims


def _stages(
    params: ResolvedDeepDream, dream: DeepDream, base: Tensor, frames: list[Tensor]
) -> list[Stage]:
    """Octaves of the photograph, then those of each frame, whose base is the frame before as it was kept."""

    def nearer() -> Tensor:
        return enlarge_centre(from_levels(frames[-1]), params.zoom)

    stages = []
    for frame in range(params.zoom_frames + 1):
        for octave in range(params.octaves):
            last = octave == params.octaves - 1
            message = f"octave {octave + 1} of {params.octaves}"
            if params.zoom_frames:
                message = f"frame {frame + 1} of {params.zoom_frames + 1}, {message}"
            start = nearer if frame else lambda: base
            stages.append(dream.octave(octave, start, message, keep="levels" if last else False))
    return stages


def _answers(
    targets: Sequence[Target],
    model: VisionModel,
    dream: DeepDream,
    base: Tensor,
    picture: Tensor,
) -> list[DreamTarget]:
    return [
        DreamTarget(
            target=ExplainedTarget(**vars(target_summary(model, target, aim.unit))),
            weight=aim.weight,
            score=_score(aim),
            score_before=before,
            score_after=after,
        )
        for target, aim, before, after in zip(
            targets, dream.aims, dream.scores(base), dream.scores(picture), strict=True
        )
    ]


def _score(aim: WeightedObjective) -> str:
    if aim.guide is not None:
        return "likeness to the guide"
    if aim.unit.is_class:
        return "logit"
    return "½ mean square" if aim.unit.channel is None else "activation"


@torch.no_grad()
def _predicted(model: VisionModel, image: Image.Image) -> PredictedClass:
    probabilities = model.network.logits(model.prepare(image).x).softmax(1)[0]
    index = int(probabilities.argmax())
    return PredictedClass(
        index=index, label=model.label(index), probability=float(probabilities[index])
    )
