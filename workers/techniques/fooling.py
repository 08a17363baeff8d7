"""Fooling: the least change, or a picture from nothing, that makes the model see a goal (Szegedy 2014; Nguyen 2015)."""

from typing import Any

import torch
from PIL import Image
from torch import Tensor

from catalog.heatmap import ExplainedTarget
from catalog.optimization import PredictedClass
from catalog.targets import TOP, Target
from catalog.techniques.fooling import (
    ClassProbability,
    FoolingParams,
    FoolingSummary,
    Transfer,
    same_class,
)
from workers.task import Task
from workers.toolkit.attribution.explained_input import (
    ExplainedInput,
    explain_input,
    target_summary,
)
from workers.toolkit.errors import NoStart
from workers.toolkit.execution.context import Context, save_png
from workers.toolkit.images.decode import decode
from workers.toolkit.images.perturbation import Perturbation
from workers.toolkit.images.picture import from_image, to_image
from workers.toolkit.network.vision_model import VisionModel
from workers.toolkit.optimization.curve import save_curve
from workers.toolkit.optimization.engine import optimize
from workers.toolkit.optimization.fooling import FoolingSearch, TargetClass


def run(task: Task[FoolingParams], context: Context) -> FoolingSummary:
    params, model = task.params, task.model
    target = task.target
    second = context.model(params.transfer_model) if params.transfer_model else None
    start = _start(task)
    before = explain_input(model, start, target)
    goal = TargetClass(target.index or 0, params.confidence)
    norm = params.norm if params.mode == "adversarial" else "any"
    first = from_image(start, len(model.preprocessing.mean)).to(model.device)
    stage = FoolingSearch(model, goal, first, norm, params.steps).stage()
    made = optimize([stage], context, seed=task.seed, device=model.device)
    save_curve(context, made)
    saved = _leave(context, start, made.picture)
    after = explain_input(model, saved, target)
    success = goal.reached(after.logits)
    return FoolingSummary(
        goal=ExplainedTarget(**target_summary(model, target, after.unit)),
        mode=params.mode,
        success=success,
        verdict=_verdict(model, goal, before, after, success),
        before=_sight(before, goal.index),
        after=_sight(after, goal.index),
        steps=len(made.curve),
        **_measured(start, saved),
        transfer=_transfer(target, model, second, start, saved) if second else None,
    )


def _start(task: Task[FoolingParams]) -> Image.Image:
    """The 8-bit picture to begin with, in the colours that the model sees."""
    params, model = task.params, task.model
    mode = "L" if len(model.preprocessing.mean) == 1 else "RGB"
    if params.mode == "adversarial":
        if "image" not in task.inputs:
            raise NoStart("Send the image to change: -F image=@photo.jpg.")
        return _within(task.image().convert(mode), params.size or 512)
    side = params.size or model.preprocessing.resize
    if params.start == "zero":
        return Image.new(mode, (side, side))
    generator = torch.Generator().manual_seed(task.seed)
    return to_image(torch.rand(1, len(mode), side, side, generator=generator))


def _within(image: Image.Image, side: int) -> Image.Image:
    """Scaled down where its longer side is above that."""
    scale = side / max(image.size)
    if scale >= 1:
        return image
    width, height = (max(1, round(length * scale)) for length in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _leave(context: Context, start: Image.Image, picture: Tensor) -> Image.Image:
    """Save the pictures; returns image.png as a client gets it."""
    data = save_png(context, "image.png", to_image(picture))
    saved = decode(data)
    save_png(context, "start.png", start)
    save_png(
        context, "difference.png", Perturbation.between(start, saved.convert(start.mode)).picture()
    )
    return saved


def _measured(start: Image.Image, saved: Image.Image) -> dict[str, Any]:
    change = Perturbation.between(start, saved.convert(start.mode))
    return {
        "l0": change.l0,
        "l0_fraction": change.l0 / (start.width * start.height),
        "l2": change.l2,
        "linf": change.linf_levels / 255,
        "linf_levels": change.linf_levels,
        "amplification": change.amplification,
        "width": start.width,
        "height": start.height,
    }


def _sight(explained: ExplainedInput, index: int) -> ClassProbability:
    best = int(explained.logits.argmax())
    probability = float(explained.probabilities[best])
    predicted = PredictedClass(
        index=best, label=explained.model.label(best), probability=probability
    )
    return ClassProbability(
        predicted=predicted, goal_probability=float(explained.probabilities[index])
    )


def _verdict(
    model: VisionModel,
    goal: TargetClass,
    before: ExplainedInput,
    after: ExplainedInput,
    success: bool,
) -> str:
    label = model.label(goal.index)
    probability = f"{float(after.probabilities[goal.index]):.4%}"
    if success and goal.reached(before.logits):
        return f"The model saw {label} already before."
    if success:
        return f"The saved picture is seen as {label}, at {probability}."
    seen = model.label(int(after.logits.argmax()))
    return f"The goal was not reached: the picture is {label} at {probability}, and seen as {seen}. Raise steps."


def _transfer(
    target: Target,
    model: VisionModel,
    second: VisionModel,
    start: Image.Image,
    saved: Image.Image,
) -> Transfer:
    index = same_class(model.labels, second.labels, target.index or 0)
    assert index is not None  # looked up when the parameters were checked
    before, after = (explain_input(second, image, TOP) for image in (start, saved))
    return Transfer(
        model=second.name,
        weights=second.weights,
        before=_sight(before, index),
        after=_sight(after, index),
        fooled=int(after.logits.argmax()) == index != int(before.logits.argmax()),
    )
