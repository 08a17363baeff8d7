"""DeepDream: a photograph with more of what the network sees in it (Mordvintsev et al. 2015)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial

import torch
from PIL import Image
from torch import Tensor

from catalog.heatmap import ExplainedTarget
from catalog.prediction import PredictedClass
from catalog.targets import Target
from catalog.techniques.deep_dream import OVERLAP, DeepDreamSummary, DreamTarget, ResolvedDeepDream
from workers.task import Task
from workers.toolkit.attribution.explained_input import target_summary
from workers.toolkit.execution.context import Context, save_png
from workers.toolkit.images.picture import from_image, from_levels, to_image
from workers.toolkit.network.maps import layers_at
from workers.toolkit.network.network import LOGITS
from workers.toolkit.network.prediction import predicted_class
from workers.toolkit.network.unit import find_unit
from workers.toolkit.network.vision_model import VisionModel
from workers.toolkit.optimization.artifacts import save_animation, save_curve
from workers.toolkit.optimization.deep_dream import DeepDream, octave_sizes
from workers.toolkit.optimization.engine import History, Stage, optimize
from workers.toolkit.optimization.objectives import TargetTerm, check_guide, normalized
from workers.toolkit.optimization.silent_units import refusal
from workers.toolkit.optimization.transforms import enlarge_centre

# Share of the depth at which the layers of most networks respond to parts of things.
_DEPTH = 2 / 3
_FRAME_MS = 80


def run(task: Task[ResolvedDeepDream], context: Context) -> DeepDreamSummary:
    """Change the photograph so that the targets' scores grow, octave by octave.

    Saves image.png and curve.json, with zoom frames zoom.webp too. Raises NoGuide, OneSizeOnly,
    NotFinite or UnitSilent.
    """
    params, model = task.params, task.model
    targets, layers_from = _targets(task)
    photograph = model.prepare(task.image()).x
    output = _output(model, photograph)
    base = _base(task.image(), params.size, model)
    paths = tuple(dict.fromkeys(target.layer or LOGITS for target in targets))
    dream = DeepDream(
        model.network.at(params.tile, params.tile, paths),
        model.preprocessing,
        _terms(targets, task, photograph, model.head.first(output)),
        octave_sizes(base.shape[2], base.shape[3], params.octaves, params.octave_scale),
        params.steps,
        params.rate,
        params.jitter,
        params.tile // OVERLAP,
    )
    result = optimize(_stages(params, dream, base), context, seed=task.seed, device=model.device)
    scores = _scores(dream, base, from_levels(result.kept[0]))
    save_curve(context, result)
    frames = [to_image(frame) for frame in result.kept]
    save_png(context, "image.png", frames[0])
    if params.zoom_frames:
        save_animation(context, "zoom.webp", frames, _FRAME_MS)
    return DeepDreamSummary(
        targets=_dream_targets(targets, model, dream.terms, scores, result.curve),
        layers_from=layers_from,
        guided="guide" in task.inputs,
        octaves=[list(size) for size in dream.sizes],
        tile=params.tile,
        tiles=[dream.tiles(*size).count for size in dream.sizes],
        frames=len(frames) if params.zoom_frames else 0,
        predicted_before=_predicted(model, output),
        predicted=_predicted(model, _output(model, model.prepare(frames[0]).x)),
    )


def _targets(task: Task[ResolvedDeepDream]) -> tuple[tuple[Target, ...], str]:
    """Return the targets, and who chose them."""
    if task.params.targets is None:
        (path,) = layers_at(task.model.network, [_DEPTH])
        return (Target(path, "layer", layer=path),), "depth"
    recommended = task.params.targets == task.model.recommended.get("deep_dream")
    return task.targets, "recommended" if recommended else "given"


def _base(image: Image.Image, longer: int, model: VisionModel) -> Tensor:
    """Return the photograph with that longer side, (1, C, H, W) in 0..1."""
    width, height = (max(2, round(side * longer / max(image.size))) for side in image.size)
    resized = image.resize((width, height), Image.Resampling.LANCZOS)
    return from_image(resized, len(model.preprocessing.mean)).to(model.device)


def _terms(
    targets: Sequence[Target], task: Task[ResolvedDeepDream], photograph: Tensor, first: int
) -> list[TargetTerm]:
    """Return the terms of the objective. Raises NoGuide."""
    model, image = task.model, task.find_image("guide")
    guide = None if image is None else model.prepare(image).x
    terms = []
    for target in targets:
        unit = find_unit(target, model.network, first)
        term = TargetTerm(target.text, unit, target.weight)
        terms.append(normalized(model.network, term, photograph, guide))
    if guide is not None:
        check_guide(terms)
    return terms


def _stages(params: ResolvedDeepDream, dream: DeepDream, base: Tensor) -> list[Stage]:
    """Return the octaves of the photograph, then those of each zoom frame."""
    stages = []
    for frame in range(params.zoom_frames + 1):
        start = partial(_enlarged_frame, factor=params.zoom) if frame else lambda history: base
        for octave in range(params.octaves):
            last = octave == params.octaves - 1
            message = f"octave {octave + 1} of {params.octaves}"
            if params.zoom_frames:
                message = f"frame {frame + 1} of {params.zoom_frames + 1}, {message}"
            stages.append(dream.octave(octave, start, message, keep="levels" if last else False))
    return stages


def _scores(dream: DeepDream, base: Tensor, picture: Tensor) -> tuple[list[float], list[float]]:
    """Return each term's score before and after. Raises UnitSilent if a target never responded."""
    before, after = dream.scores(base), dream.scores(picture)
    scored = zip(dream.terms, before, after, strict=True)
    unmoved = [term for term, first, last in scored if first == last and term.weight > 0]
    if unmoved and (silent := replace(dream, terms=unmoved).silent_terms(picture)):
        raise refusal(dream.network, silent[0].unit, "the photograph and at the result")
    return before, after


def _enlarged_frame(history: History, factor: float) -> Tensor:
    """Return the enlarged centre of the frame before, as it is saved."""
    return enlarge_centre(from_levels(history.kept[-1]), factor)


def _dream_targets(
    targets: Sequence[Target],
    model: VisionModel,
    terms: Sequence[TargetTerm],
    scores: tuple[list[float], list[float]],
    curve: Sequence[Mapping[str, float]],
) -> list[DreamTarget]:
    return [
        DreamTarget(
            target=ExplainedTarget(**asdict(target_summary(model, target, term.unit))),
            weight=term.weight,
            score=_score_name(term, model),
            score_before=before,
            score_after=after,
            scale=term.scale,
            score_last_step=-curve[-1][term.name] / (term.weight * term.scale),
        )
        for target, term, before, after in zip(targets, terms, *scores, strict=True)
    ]


def _score_name(term: TargetTerm, model: VisionModel) -> str:
    if term.guide is not None:
        return "likeness to the guide"
    if term.unit.is_class:
        return model.head.score
    return "½ mean square" if term.unit.channel is None else "activation"


@torch.no_grad()
def _output(model: VisionModel, x: Tensor) -> Tensor:
    return model.network.logits(x)


def _predicted(model: VisionModel, output: Tensor) -> PredictedClass:
    """Return the first prediction from the output of one image (1, …)."""
    return PredictedClass(**asdict(predicted_class(model, output)))
