"""Predict: softmax of the logits, most probable class first."""

from catalog.targets import TOP
from catalog.techniques.predict import Prediction, PredictParams, PredictSummary
from workers.task import Task
from workers.toolkit.attribution.explained_input import explain_input
from workers.toolkit.execution.context import Context


def run(task: Task[PredictParams], context: Context) -> PredictSummary:
    """Return the most probable classes with their probabilities and logits; no file is saved.

    Raises NotFinite.
    """
    context.progress(0, 1)
    explained = explain_input(task.model, task.image(), TOP)
    logits, probabilities = explained.logits[0], explained.probabilities  # (classes,)
    best = probabilities.argsort(descending=True, stable=True)[: task.params.top_k].tolist()
    context.progress(1, 1)
    predictions = [
        Prediction(
            index=index,
            label=task.model.label(index),
            probability=float(probabilities[index]),
            logit=float(logits[index]),
        )
        for index in best
    ]
    return PredictSummary(predictions=predictions)
