"""Predict: the classes that the model predicts for an image, the most probable first.

The probabilities are what the `head` of the model's entry says: the softmax of the logits over all
classes; the sigmoid of each logit, which need not add up to 1; what the model returns; or null, and
classes are then in the order of the output. For a dense output, numbers are means over the places
where the class is the first, or over all places if there is none (`share` is 0), and the class that
is first at most places comes first. The image is preprocessed as in the model's training.
"""

from pydantic import Field

from catalog.heatmap import IMAGE
from catalog.model_entry import HeadName
from catalog.prediction import WithProbability
from catalog.technique import Params, Summary, Technique, Traits


class PredictParams(Params):
    top_k: int = Field(5, ge=1, le=1000, description="Number of classes to return.")

    def traits(self) -> Traits:
        return Traits(batchable=True, uses_seed=False)


class Prediction(WithProbability):
    index: int = Field(description="Class index.")
    label: str = Field(description="Label of the class.")
    logit: float | None = Field(None, description="Absent if the model returns no logits.")
    output: float = Field(description="What the model returns for the class.")
    share: float | None = Field(
        None,
        description=(
            "Of a dense output: the share of places where the class is the first. Absent otherwise."
        ),
    )


class PredictSummary(Summary):
    predictions: list[Prediction] = Field(description="The classes, the first one first.")
    head: HeadName = Field(description="What makes probabilities of the output.")


TECHNIQUE = Technique(
    title="Predict",
    reference="Bridle 1990 (softmax)",
    score="probability, as the head of the model's entry says",
    params=PredictParams,
    summary=PredictSummary,
    inputs=(IMAGE,),
    example={"top_k": 3},
)
