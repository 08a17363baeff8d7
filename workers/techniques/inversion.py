"""Inversion: the image whose output at a layer is a given one (Mahendran & Vedaldi 2015)."""

from dataclasses import asdict
from typing import Literal

import torch
from PIL import Image
from torch import Tensor

from catalog.prediction import PredictedClass
from catalog.techniques.inversion import InversionSummary, InvertedLayer, ResolvedInversion
from workers.task import Task
from workers.toolkit.execution.context import Context, save_json, save_png
from workers.toolkit.images.array import Input
from workers.toolkit.images.picture import quantized, to_image
from workers.toolkit.network.prediction import predicted_class
from workers.toolkit.network.vision_model import VisionModel
from workers.toolkit.optimization.embedding import embedding_to_invert, last_embedding_layer
from workers.toolkit.optimization.engine import OptimizationResult, optimize
from workers.toolkit.optimization.inversion import RECIPES, Inversion
from workers.toolkit.optimization.inversion_defaults import jitter_pixels, tv_weight
from workers.toolkit.rendering.contact_sheet import save_strip


def run(task: Task[ResolvedInversion], context: Context) -> InversionSummary:
    """Invert one layer or several.

    For each layer, saves its best picture as image-{n}.png and all restarts as restarts-{n}.png.
    Saves strip.png with one cell per layer, and curve.json. Raises NothingToInvert, UnitSilent or
    NotFinite.
    """
    params, model = task.params, task.model
    paths, chosen = _layers(params, model)
    sent = task.inputs["image" if "image" in task.inputs else "embedding"]
    inversions = [_inversion(params, model, sent, path) for path in paths]
    original = None
    if isinstance(sent, Image.Image):
        (original,) = _predicted(model, model.prepare(sent).x)
    stages = [stage for inversion in inversions for stage in inversion.stages()]
    result = optimize(stages, context, seed=task.seed, device=model.device)
    layers = [
        _inverted(model, inversion, quantized(pictures), number, original)
        for number, (inversion, pictures) in enumerate(zip(inversions, result.kept, strict=True), 1)
    ]
    _save(context, model, result, layers, sent)
    return InversionSummary(
        recipe=params.recipe,
        chosen=chosen,
        original=original,
        layers=layers,
        size=model.network.input_shape[1],
        steps=params.steps,
    )


def _layers(
    params: ResolvedInversion, model: VisionModel
) -> tuple[tuple[str, ...], Literal["named", "recommended", "by_depth"]]:
    """Return the layers to invert, and who chose them."""
    recommended = model.recommended.get("inversion")
    if paths := params.paths():
        return paths, "recommended" if paths == (recommended,) else "named"
    if recommended:
        return (recommended,), "recommended"
    return (last_embedding_layer(model.network),), "by_depth"


def _inversion(params: ResolvedInversion, model: VisionModel, sent: Input, path: str) -> Inversion:
    tv, jitter = params.tv, params.jitter
    if tv is None:
        tv = tv_weight(model.network, path, params.recipe)
    if jitter is None:
        jitter = jitter_pixels(model.network, path)
    return RECIPES[params.recipe](
        model.network,
        model.preprocessing,
        path,
        embedding_to_invert(model, sent, path),
        params,
        tv,
        jitter,
    )


@torch.no_grad()
def _inverted(
    model: VisionModel,
    inversion: Inversion,
    pictures: Tensor,
    number: int,
    original: PredictedClass | None,
) -> InvertedLayer:
    """Return the result of one layer for its 8-bit pictures (restarts, C, H, W)."""
    x = model.preprocessing.normalize(pictures)
    inversion.check_gradient(x)
    predicted = _predicted(model, x)
    same_class = None
    if original is not None:
        same_class = [prediction.index == original.index for prediction in predicted]
    return InvertedLayer(
        layer=inversion.path,
        shape=list(inversion.embedding.shape[1:]),
        error=inversion.errors(x).tolist(),
        predicted=predicted,
        same_class=same_class,
        tv=inversion.tv,
        jitter=inversion.jitter,
        file=f"image-{number}.png",
    )


@torch.no_grad()
def _predicted(model: VisionModel, x: Tensor) -> list[PredictedClass]:
    """Return the first prediction for each network input (B, C, H, W)."""
    outputs = model.network.logits(x)[:, None]
    return [PredictedClass(**asdict(predicted_class(model, output))) for output in outputs]


def _save(
    context: Context,
    model: VisionModel,
    result: OptimizationResult,
    layers: list[InvertedLayer],
    sent: Input,
) -> None:
    cells: list[tuple[Image.Image, str]] = []
    if isinstance(sent, Image.Image):
        seen = model.preprocessing.picture(model.prepare(sent).x)
        cells.append((to_image(seen), "what the network sees"))
    for number, (layer, kept) in enumerate(zip(layers, result.kept, strict=True), 1):
        best = min(range(len(kept)), key=layer.error.__getitem__)
        picture = to_image(kept[best : best + 1])
        save_png(context, layer.file, picture)
        if len(kept) > 1:
            save_png(context, f"restarts-{number}.png", to_image(kept))
        label = layer.predicted[best].label
        cells.append((picture, f"{layer.layer}\nerror {layer.error[best]:.2g}\n{label}"))
    save_strip(context, cells)
    save_json(context, "curve.json", _curves(result, layers))


def _curves(
    result: OptimizationResult, layers: list[InvertedLayer]
) -> dict[str, dict[str, list[float]]]:
    """Return {layer: {part of the loss: [value at each step]}}."""
    count = len(result.curve) // len(layers)
    curves = {}
    for number, layer in enumerate(layers):
        steps = result.curve[number * count : (number + 1) * count]
        curves[layer.layer] = {name: [step[name] for step in steps] for name in steps[0]}
    return curves
