"""Inversion: the image whose output at a layer is the one that is given (Mahendran & Vedaldi 2015)."""

from typing import Literal

import torch
from PIL import Image
from torch import Tensor

from catalog.optimization import PredictedClass
from catalog.techniques.inversion import InversionSummary, InvertedLayer, ResolvedInversion
from workers.task import Task
from workers.toolkit.execution.context import Context, save_json, save_png
from workers.toolkit.images.array import Input
from workers.toolkit.images.picture import quantized, to_image
from workers.toolkit.network.vision_model import VisionModel
from workers.toolkit.optimization.embedding import embedding_to_invert, last_embedding_layer
from workers.toolkit.optimization.engine import OptimizationResult, optimize
from workers.toolkit.optimization.inversion import Inversion, jitter_pixels, tv_weight
from workers.toolkit.rendering.contact_sheet import save_strip


def run(task: Task[ResolvedInversion], context: Context) -> InversionSummary:
    params, model = task.params, task.model
    paths, chosen = _layers(params, model)
    sent = task.inputs["image" if "image" in task.inputs else "embedding"]
    inversions = [_inversion(params, model, sent, path) for path in paths]
    original = _judged(model, model.prepare(sent).x)[0] if isinstance(sent, Image.Image) else None
    made = optimize(
        [one.stage() for one in inversions], context, seed=task.seed, device=model.device
    )
    inverted = [
        _inverted(model, one, quantized(kept), number, original)
        for number, (one, kept) in enumerate(zip(inversions, made.kept, strict=True), 1)
    ]
    _leave(context, model, made, inverted, sent)
    return InversionSummary(
        recipe=params.recipe,
        chosen=chosen,
        original=original,
        layers=inverted,
        size=model.network.input_shape[1],
        steps=params.steps,
    )


def _layers(
    params: ResolvedInversion, model: VisionModel
) -> tuple[tuple[str, ...], Literal["named", "recommended", "by_depth"]]:
    recommended = model.recommended.get("inversion")
    if paths := params.paths():
        return paths, "recommended" if paths == (recommended,) else "named"
    return (
        recommended or last_embedding_layer(model.network),
    ), "recommended" if recommended else "by_depth"


def _inversion(params: ResolvedInversion, model: VisionModel, sent: Input, path: str) -> Inversion:
    names = {"recipe", "restarts", "steps", "rate", "tv", "alpha", "alpha_weight", "jitter"}
    values = params.model_dump(include=names)
    if values["tv"] is None:
        values["tv"] = tv_weight(model.network, path, params.recipe)
    if values["jitter"] is None:
        values["jitter"] = jitter_pixels(model.network, path)
    return Inversion(
        model.network, model.preprocessing, path, embedding_to_invert(model, sent, path), **values
    )


@torch.no_grad()
def _inverted(
    model: VisionModel,
    one: Inversion,
    pictures: Tensor,
    number: int,
    original: PredictedClass | None,
) -> InvertedLayer:
    """What became of one layer: its pictures (restarts, C, H, W) as they are saved."""
    x = model.preprocessing.normalize(pictures)
    predicted = _judged(model, x)
    return InvertedLayer(
        layer=one.path,
        shape=list(one.code.shape[1:]),
        error=one.errors(x).tolist(),
        predicted=predicted,
        same_class=None
        if original is None
        else [found.index == original.index for found in predicted],
        tv=one.tv,
        jitter=one.jitter,
        file=f"image-{number}.png",
    )


@torch.no_grad()
def _judged(model: VisionModel, x: Tensor) -> list[PredictedClass]:
    """The first prediction for each input (B, C, H, W), in the network's units."""
    rows = model.network.logits(x).softmax(1)
    best = [(int(row.argmax()), float(row.max())) for row in rows]
    return [
        PredictedClass(index=index, label=model.label(index), probability=value)
        for index, value in best
    ]


def _leave(
    context: Context,
    model: VisionModel,
    made: OptimizationResult,
    inverted: list[InvertedLayer],
    sent: Input,
) -> None:
    cells: list[tuple[Image.Image, str]] = []
    for number, (layer, kept) in enumerate(zip(inverted, made.kept, strict=True), 1):
        best = min(range(len(kept)), key=layer.error.__getitem__)
        picture = to_image(kept[best : best + 1])
        save_png(context, layer.file, picture)
        if len(kept) > 1:
            save_png(context, f"restarts-{number}.png", to_image(kept))
        cells.append(
            (
                picture,
                f"{layer.layer}\nerror {layer.error[best]:.2g}\n{layer.predicted[best].label}",
            )
        )
    if isinstance(sent, Image.Image):
        cells.insert(
            0,
            (to_image(model.preprocessing.picture(model.prepare(sent).x)), "what the network sees"),
        )
    save_strip(context, cells)
    save_json(context, "curve.json", _curves(made, inverted))


def _curves(
    made: OptimizationResult, inverted: list[InvertedLayer]
) -> dict[str, dict[str, list[float]]]:
    """{layer: {part of the loss: [value at each step]}}"""
    each = len(made.curve) // len(inverted)
    parts = {layer.layer: made.curve[i * each : (i + 1) * each] for i, layer in enumerate(inverted)}
    return {
        layer: {name: [step[name] for step in steps] for name in steps[0]}
        for layer, steps in parts.items()
    }
