"""Predict: softmax of the logits, most probable class first."""

from PIL import Image

from catalog.targets import Target
from catalog.techniques.predict import Prediction, PredictParams, PredictSummary
from workers.toolkit.attribution.explained_input import explain_input
from workers.toolkit.execution.context import Context
from workers.toolkit.network.vision_model import VisionModel


def run(
    params: PredictParams, model: VisionModel, images: dict[str, Image.Image], context: Context
) -> PredictSummary:
    context.progress(0, 1)
    explained = explain_input(model, images["image"], Target("top", "top"))
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
