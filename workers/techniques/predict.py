"""Predict: softmax of the logits, most probable class first."""

from PIL import Image

from catalog.targets import Target
from catalog.techniques.predict import Prediction, PredictParams, PredictSummary
from workers.toolkit.attribution.explicand import look
from workers.toolkit.execution.context import Context
from workers.toolkit.network.vision_model import VisionModel


def run(
    params: PredictParams, model: VisionModel, images: dict[str, Image.Image], context: Context
) -> PredictSummary:
    context.progress(0, 1)
    subject = look(model, images["image"], Target("top", "top"))
    logits, probabilities = subject.logits[0], subject.probabilities  # (classes,)
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
