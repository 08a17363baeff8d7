"""Fooling: a picture, or the smallest change of one, that makes a model predict another class.

Sources: Szegedy et al. 2014; Nguyen et al. 2015.
"""

from collections.abc import Sequence
from dataclasses import asdict

import torch
from PIL import Image
from torch import Tensor

from catalog.heatmap import ExplainedTarget
from catalog.prediction import PredictedClass
from catalog.targets import TOP, Target
from catalog.techniques.fooling import (
    MAX_STEPS,
    ClassProbability,
    FoolingSummary,
    ResolvedFooling,
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
from workers.toolkit.network.network import LOGITS
from workers.toolkit.network.prediction import class_probability
from workers.toolkit.network.unit import Unit
from workers.toolkit.network.vision_model import VisionModel
from workers.toolkit.optimization.artifacts import save_curve
from workers.toolkit.optimization.engine import optimize
from workers.toolkit.optimization.fooling import ANY, FoolingStage, TargetClass
from workers.toolkit.optimization.pace import steps_missing


def run(task: Task[ResolvedFooling], context: Context) -> FoolingSummary:
    """Make the model predict the goal, and judge the picture as it is read back from its file.

    Saves image.png, start.png, difference.png and curve.json. Raises NoStart or NotFinite.
    """
    params, model, target = task.params, task.model, task.target
    assert target.index is not None  # the goal is a class
    second = context.model(params.transfer_model) if params.transfer_model else None
    start = _start(task)
    before = explain_input(model, start, target)
    goal = TargetClass(target.index, params.confidence, model.head)
    norm = params.norm if params.mode == "adversarial" else ANY
    first = from_image(start, len(model.preprocessing.mean)).to(model.device)
    stage = FoolingStage(model, goal, first, norm, params.steps).stage()
    result = optimize([stage], context, seed=task.seed, device=model.device)
    save_curve(context, result)
    saved = _save_picture(context, result.picture)
    change = Perturbation.between(start, saved.convert(start.mode))
    save_png(context, "start.png", start)
    save_png(context, "difference.png", change.picture())
    after = explain_input(model, saved, target)
    success = goal.reached(after.output)
    return FoolingSummary(
        goal=ExplainedTarget(**asdict(target_summary(model, target, after.unit))),
        mode=params.mode,
        success=success,
        verdict=_verdict(model, goal, before, after, [step["gap"] for step in result.curve]),
        before=_class_probability(before, goal.index),
        after=_class_probability(after, goal.index),
        steps=len(result.curve),
        l0=change.l0,
        l0_fraction=change.l0 / (start.width * start.height),
        l2=change.l2,
        linf=change.linf_levels / 255,
        linf_levels=change.linf_levels,
        amplification=change.amplification,
        width=start.width,
        height=start.height,
        transfer=_transfer(target, model, second, start, saved) if second else None,
    )


def _start(task: Task[ResolvedFooling]) -> Image.Image:
    """Return the 8-bit picture to start from, with the channels that the model sees."""
    params, model = task.params, task.model
    mode = "L" if len(model.preprocessing.mean) == 1 else "RGB"
    if params.mode == "adversarial":
        if "image" not in task.inputs:
            raise NoStart("Send the image to change: -F image=@photo.jpg.")
        return _reduced(task.image().convert(mode), params.size)
    side = params.size
    if params.start == "zero":
        return Image.new(mode, (side, side))
    generator = torch.Generator().manual_seed(task.seed)
    return to_image(torch.rand(1, len(mode), side, side, generator=generator))


def _reduced(image: Image.Image, side: int) -> Image.Image:
    """Scale the image down if its longer side is above that."""
    scale = side / max(image.size)
    if scale >= 1:
        return image
    width, height = (max(1, round(length * scale)) for length in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _save_picture(context: Context, picture: Tensor) -> Image.Image:
    """Save image.png; return it as a client decodes it."""
    return decode(save_png(context, "image.png", to_image(picture)))


def _class_probability(explained: ExplainedInput, index: int) -> ClassProbability:
    """Return the first prediction, and the probability of the class with that index."""
    return ClassProbability(
        predicted=PredictedClass(**asdict(explained.predicted)),
        goal_probability=_probability(explained, index),
    )


def _probability(explained: ExplainedInput, index: int) -> float:
    found = class_probability(explained.model, explained.output, Unit(LOGITS, index))
    assert found is not None  # a model without probabilities is refused
    return found


def _verdict(
    model: VisionModel,
    goal: TargetClass,
    before: ExplainedInput,
    after: ExplainedInput,
    gaps: Sequence[float],
) -> str:
    success = goal.reached(after.output)
    label = model.label(goal.index)
    probability = f"{_probability(after, goal.index):.4%}"
    if success and goal.reached(before.output):
        return f"The model saw {label} already before."
    if success:
        return f"The saved picture is seen as {label}, at {probability}."
    missing = f"and seen as {after.predicted.label}"
    if after.predicted.index == goal.index or not goal.exclusive(after.output):
        missing = f"and needs {goal.confidence or 0.5:.2%}"
    return (
        f"The goal was not reached: the picture is {label} at {probability}, {missing}. "
        f"{_advice(goal, gaps)}"
    )


def _advice(goal: TargetClass, gaps: Sequence[float]) -> str:
    """Return what to change after a search that failed, from the gap to the goal at every step."""
    if len(gaps) + steps_missing(gaps) <= MAX_STEPS:
        return "Raise steps."
    third = len(gaps) // 3
    fallen = max(min(gaps[:-third]) - min(gaps[-third:]), 0.0)
    return (
        f"{min(gaps):.4g} logits are missing, {fallen:.2g} fewer than a third of the steps before: "
        f"more steps will not help. Choose another goal"
        + ("." if goal.confidence is None else ", or a lower confidence.")
    )


def _transfer(
    target: Target,
    model: VisionModel,
    second: VisionModel,
    start: Image.Image,
    saved: Image.Image,
) -> Transfer:
    """Judge both pictures by the second model, which the search did not use."""
    assert target.index is not None
    index = same_class(model.labels, second.labels, target.index)
    assert index is not None  # admission has found the class in the second model
    goal = TargetClass(index, head=second.head)
    before, after = (explain_input(second, image, TOP) for image in (start, saved))
    return Transfer(
        model=second.name,
        weights=second.weights,
        before=_class_probability(before, index),
        after=_class_probability(after, index),
        fooled=goal.reached(after.output) and not goal.reached(before.output),
    )
