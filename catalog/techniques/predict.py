"""Predict: the classes that the model predicts for an image, the most probable first.

The probabilities are the softmax of the logits over all classes. The image is preprocessed as in
the model's training.
"""

from pydantic import BaseModel, Field

from catalog.heatmap import IMAGE
from catalog.technique import Params, Summary, Technique, Traits


class PredictParams(Params):
    top_k: int = Field(5, ge=1, le=1000, description="Number of classes to return.")

    def traits(self) -> Traits:
        return Traits(batchable=True, uses_seed=False)


class Prediction(BaseModel):
    index: int
    label: str
    probability: float
    logit: float


class PredictSummary(Summary):
    predictions: list[Prediction]


TECHNIQUE = Technique(
    title="Predict",
    reference="Bridle 1990 (softmax)",
    score="probability",
    params=PredictParams,
    summary=PredictSummary,
    inputs=(IMAGE,),
    example={"top_k": 3},
)
