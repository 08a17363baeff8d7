"""Guided backpropagation: the gradient of a neuron, with only positive evidence let through every ReLU.

`guided` passes a gradient back through a ReLU where both the forward input and the gradient are positive;
`deconvnet` where the gradient is positive, whatever the forward pass was. The rules hold for every form of ReLU and
ReLU6 in the model, module or function. A model without any is refused: the result would silently be the plain
gradient. Read with care: guided maps depend little on the class (Nie et al. 2018, Adebayo et al. 2018).
"""

from typing import Literal

from pydantic import Field

from catalog.attribution import CHECK, AttributionSummary
from catalog.heatmap import HEATMAP, IMAGE, OVERLAY, VALUES
from catalog.smoothgrad import SmoothGradParams
from catalog.technique import ArtifactSpec, Technique


class GuidedBackpropParams(SmoothGradParams):
    rule: Literal["guided", "deconvnet"] = Field(
        "guided", description="What a ReLU does to the gradient."
    )


class GuidedBackpropSummary(AttributionSummary):
    rule: str
    rectifiers: int = Field(
        description="ReLU-like operators between input and target that followed the rule."
    )
    units: str = Field(description="What one unit of the map is.")


TECHNIQUE = Technique(
    title="Guided backpropagation",
    reference=(
        "Springenberg et al. 2015, Striving for Simplicity; "
        "Zeiler & Fergus 2014, Visualizing and Understanding Convolutional Networks (deconvnet)"
    ),
    score="logit for a class; activation otherwise",
    params=GuidedBackpropParams,
    summary=GuidedBackpropSummary,
    inputs=(IMAGE,),
    artifacts=(
        ArtifactSpec(
            "gradient.png", "image/png", "The gradient as a colour picture; mid-grey is zero."
        ),
        HEATMAP,
        OVERLAY,
        VALUES,
        CHECK,
    ),
    example={"target": "top", "rule": "guided"},
)
