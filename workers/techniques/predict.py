"""Predict: the classes of an image with their probabilities, the first class first."""

from torch import Tensor

from catalog.targets import TOP
from catalog.techniques.predict import Prediction, PredictParams, PredictSummary
from workers.task import Task
from workers.toolkit.attribution.explained_input import ExplainedInput, explain_input
from workers.toolkit.execution.context import Context
from workers.toolkit.network.prediction import class_probability, class_unit
from workers.toolkit.network.vision_model import VisionModel


def run(task: Task[PredictParams], context: Context) -> PredictSummary:
    """Return the first classes with their probabilities and outputs; no file is saved.

    Raises NotFinite.
    """
    context.progress(0, 1)
    model, explained = task.model, explain_input(task.model, task.seen(), TOP)
    order = _dense_order if model.head.dense else _order
    best = order(model, explained.output)[: task.params.top_k]
    context.progress(1, 1)
    return PredictSummary(
        predictions=[_prediction(explained, index) for index in best], head=model.head.name
    )


def _order(model: VisionModel, output: Tensor) -> list[int]:
    """Return the classes of an output (1, classes), the most probable first."""
    probabilities = model.head.probabilities(output)
    scores = output if probabilities is None else probabilities
    order: list[int] = scores[0].argsort(descending=True, stable=True).tolist()
    return order


def _dense_order(model: VisionModel, output: Tensor) -> list[int]:
    """Return the classes by the share of places where they are first, then by their mean."""
    by_mean = output[0].mean((1, 2)).argsort(descending=True, stable=True)
    shares = model.head.shares(output)[by_mean]
    order: list[int] = by_mean[shares.argsort(descending=True, stable=True)].tolist()
    return order


def _prediction(explained: ExplainedInput, index: int) -> Prediction:
    model, output = explained.model, explained.output
    unit = class_unit(model, output, index)
    dense = model.head.dense
    return Prediction(
        index=index,
        label=model.label(index),
        probability=class_probability(model, output, unit),
        logit=float(unit.read(output)) if model.head.score == "logit" else None,
        output=float(unit.read(output)),
        share=float(model.head.shares(output)[index]) if dense else None,
    )
