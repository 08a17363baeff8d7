"""Activation maximization: the image that a neuron answers most (Simonyan 2014, Yosinski 2015, Olah 2017)."""

from collections.abc import Callable

import torch
from PIL import Image
from torch import Tensor

from catalog.heatmap import ExplainedTarget
from catalog.optimization import PredictedClass
from catalog.techniques.activation_maximization import (
    ActivationMaximizationSummary,
    ResolvedActivationMaximization,
)
from workers.task import Task
from workers.toolkit.attribution.explained_input import target_summary
from workers.toolkit.execution.context import Context
from workers.toolkit.images.picture import quantized
from workers.toolkit.network.maps import default_map
from workers.toolkit.network.network import Network
from workers.toolkit.network.unit import Unit, check_position, find_unit
from workers.toolkit.network.vision_model import VisionModel
from workers.toolkit.optimization.curve import save_pictures
from workers.toolkit.optimization.engine import optimize
from workers.toolkit.optimization.maximization import MaximizationObjective, diversity_penalty
from workers.toolkit.optimization.parametrization import initial_image


def run(
    task: Task[ResolvedActivationMaximization], context: Context
) -> ActivationMaximizationSummary:
    params, model = task.params, task.model
    target, seed = task.target, task.seed
    network = model.network.at(params.size, params.size)
    unit = find_unit(target, network)
    check_position(unit, network)
    stage = _climb(params, model, network, unit, task.find_image("image")).stage()
    before = stage.begin(None, torch.Generator().manual_seed(seed)).picture()
    made = optimize([stage], context, seed=seed, device=model.device)
    save_pictures(context, made)
    return ActivationMaximizationSummary(
        target=ExplainedTarget(**vars(target_summary(model, target, unit))),
        recipe=params.recipe,
        score="logit" if unit.is_class else "activation",
        size=params.size,
        steps=params.steps,
        score_before=_scores(model, network, unit, before),
        **_judged(model, network, unit, quantized(made.picture)),
    )


def _climb(
    params: ResolvedActivationMaximization,
    model: VisionModel,
    network: Network,
    unit: Unit,
    image: Image.Image | None,
) -> MaximizationObjective:
    names = {
        "recipe",
        "count",
        "steps",
        "rate",
        "l2",
        "tv",
        "alpha_norm",
        "blur_every",
        "jitter",
        "zoom",
        "noise",
    }
    values = params.model_dump(include=names)
    start = initial_image(model, params.start, network.input_shape[1], params.count, image)
    apart = _apart(params, model, network, unit) if params.count > 1 else None
    return MaximizationObjective(
        network, model.preprocessing, unit, start=start, apart=apart, **values
    )


def _apart(
    params: ResolvedActivationMaximization, model: VisionModel, network: Network, unit: Unit
) -> Callable[[Tensor], Tensor]:
    """What several images pay for being alike: in the unit's layer, for a class in the last map."""
    layer = unit.path
    if unit.is_class:
        layer = default_map(model, network)
    return lambda x: params.diversity * diversity_penalty(network.run(x, layer))


@torch.no_grad()
def _scores(model: VisionModel, network: Network, unit: Unit, picture: Tensor) -> list[float]:
    scores: list[float] = unit.value(network, model.preprocessing.normalize(picture)).tolist()
    return scores


@torch.no_grad()
def _judged(model: VisionModel, network: Network, unit: Unit, picture: Tensor) -> dict[str, object]:
    """What the model says of the picture as it was saved."""
    probabilities = network.logits(model.preprocessing.normalize(picture)).softmax(
        1
    )  # (B, classes)
    best = [int(row.argmax()) for row in probabilities]
    return {
        "score_after": _scores(model, network, unit, picture),
        "probability": probabilities[:, unit.channel].tolist() if unit.is_class else None,
        "predicted": [
            PredictedClass(index=i, label=model.label(i), probability=float(row[i]))
            for i, row in zip(best, probabilities, strict=True)
        ],
    }
