"""Predict: softmax of the logits, most probable class first."""

from catalog.targets import TOP
from catalog.techniques.predict import Prediction, PredictParams, PredictSummary
from workers.task import Task
from workers.toolkit.attribution.explained_input import explain_input
from workers.toolkit.execution.context import Context


def run(task: Task[PredictParams], context: Context) -> PredictSummary:
    params, model = task.params, task.model
    context.progress(0, 1)
    explained = explain_input(model, task.image(), TOP)
    logits, probabilities = explained.logits[0], explained.probabilities  # (classes,)
    best = probabilities.argsort(descending=True, stable=True)[: params.top_k].tolist()
    context.progress(1, 1)
    return PredictSummary(
        predictions=[
            Prediction(
                index=i,
                label=model.label(i),
                probability=float(probabilities[i]),
                logit=float(logits[i]),
            )
            for i in best
        ]
    )
