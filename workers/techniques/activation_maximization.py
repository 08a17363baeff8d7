"""Activation maximization: the image with the highest value of a unit.

Sources: Simonyan et al. 2014, Yosinski et al. 2015, Olah et al. 2017.
"""

from dataclasses import asdict

import torch
from torch import Tensor

from catalog.heatmap import ExplainedTarget
from catalog.prediction import PredictedClass
from catalog.techniques.activation_maximization import (
    ActivationMaximizationSummary,
    ResolvedActivationMaximization,
)
from workers.task import Task
from workers.toolkit.attribution.explained_input import Readout, target_summary
from workers.toolkit.execution.context import Context
from workers.toolkit.images.picture import quantized
from workers.toolkit.network.maps import default_map
from workers.toolkit.network.network import Network
from workers.toolkit.network.prediction import class_probability, predicted_class
from workers.toolkit.network.unit import Unit, check_position, find_unit
from workers.toolkit.network.vision_model import VisionModel
from workers.toolkit.optimization.artifacts import save_pictures
from workers.toolkit.optimization.engine import optimize
from workers.toolkit.optimization.maximization import (
    RECIPES,
    Maximization,
    Penalty,
    diversity_penalty,
)
from workers.toolkit.optimization.parametrization import initial_image
from workers.toolkit.optimization.silent_units import refusal, silent_at


def run(
    task: Task[ResolvedActivationMaximization], context: Context
) -> ActivationMaximizationSummary:
    """Make images with a high value of the unit.

    Saves image.png, each of several images, and curve.json. Raises NoStart, UnknownPosition,
    OneSizeOnly, NotFinite or UnitSilent.
    """
    params, model = task.params, task.model
    network = model.network.at(params.size, params.size)
    unit = find_unit(task.target, network)
    check_position(unit, network)
    maximization = _maximization(task, network, unit)
    result = optimize([maximization.stage()], context, seed=task.seed, device=model.device)
    saved = quantized(result.picture)
    before, after = (_scores(model, network, unit, one) for one in (result.start, saved))
    silent = _silent(model, network, unit, saved, before, after)
    if all(silent):
        raise refusal(network, unit, f"every picture in {params.steps} steps")
    save_pictures(context, result)
    outputs = _outputs(model, network, saved)
    return ActivationMaximizationSummary(
        target=ExplainedTarget(**asdict(target_summary(model, task.target, unit))),
        recipe=params.recipe,
        score=Readout(unit, model.head).kind,
        score_before=before,
        score_after=after,
        score_before_rounding=_scores(model, network, unit, result.picture),
        silent=silent,
        field=None if maximization.field is None else list(maximization.field.box),
        probability=_probabilities(model, unit, outputs),
        predicted=[PredictedClass(**asdict(predicted_class(model, one))) for one in outputs],
        size=params.size,
        steps=params.steps,
    )


def _maximization(
    task: Task[ResolvedActivationMaximization], network: Network, unit: Unit
) -> Maximization:
    params, model = task.params, task.model
    start = initial_image(
        model,
        params.start,
        network.input_shape[1],
        params.count,
        task.find_image("image"),
    )
    return RECIPES[params.recipe](
        network,
        model.preprocessing,
        unit,
        params,
        start,
        _diversity(params, model, network, unit) if params.count > 1 else None,
    )


def _diversity(
    params: ResolvedActivationMaximization, model: VisionModel, network: Network, unit: Unit
) -> Penalty:
    """Return the penalty on several images that resemble each other.

    They are compared in the unit's layer, for a class in the last map. For one neuron they are
    compared at its place: elsewhere its images do not differ.
    """
    layer = default_map(model, network) if unit.is_class else unit.path
    y, x = (slice(i, i + 1) for i in unit.position) if unit.position else (slice(None),) * 2

    def penalty(images: Tensor) -> Tensor:
        features = network.run(images, layer)
        if unit.position:
            features = features[..., y, x]
        return params.diversity * diversity_penalty(features)

    return penalty


@torch.no_grad()
def _scores(model: VisionModel, network: Network, unit: Unit, picture: Tensor) -> list[float]:
    scores: list[float] = unit.value(network, model.preprocessing.normalize(picture)).tolist()
    return scores


def _silent(
    model: VisionModel,
    network: Network,
    unit: Unit,
    saved: Tensor,
    before: list[float],
    after: list[float],
) -> list[bool]:
    """Return for each result whether the unit is silent there, and no higher than at the start."""
    if all(last > first for first, last in zip(before, after, strict=True)):
        return [False] * len(after)
    silent = silent_at(network, unit, model.preprocessing.normalize(saved)).tolist()
    return [gone and last <= first for gone, first, last in zip(silent, before, after, strict=True)]


@torch.no_grad()
def _outputs(model: VisionModel, network: Network, picture: Tensor) -> list[Tensor]:
    """Return the model's output for each of the pictures (B, C, H, W), with the batch axis."""
    return list(network.logits(model.preprocessing.normalize(picture))[:, None])


def _probabilities(model: VisionModel, unit: Unit, outputs: list[Tensor]) -> list[float] | None:
    """Return the probability of the class for each output, or None if there is none."""
    if not unit.is_class:
        return None
    found = [class_probability(model, output, unit) for output in outputs]
    return [value for value in found if value is not None] or None
