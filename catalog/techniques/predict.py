"""Predict: the classes that the model sees in an image, most probable first.

The softmax of the logits over all classes, for the image prepared as the model was trained.
"""

from pydantic import BaseModel, Field

from catalog.heatmap import IMAGE
from catalog.technique import Params, Summary, Technique


class PredictParams(Params):
    top_k: int = Field(5, ge=1, le=1000, description="How many classes to return.")

    def depends_on_seed(self) -> bool:
        return False

    def batchable(self) -> bool:
        return True


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
