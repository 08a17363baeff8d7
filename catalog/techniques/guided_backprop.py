"""Guided backpropagation: a neuron's gradient that passes only positive evidence through ReLUs.

With the rule `guided` a ReLU passes a gradient back where both its forward input and the gradient
are positive. With `deconvnet` it does so where the gradient is positive, whatever the forward input
was. The rules hold for every form of ReLU and ReLU6 in the model: module, function, or operators
such as `maximum(x, 0)` and `where(x > 0, x, 0)`. A model without any is refused, because the result
would silently be the plain gradient; so is one with operators that work as a ReLU and are not
recognized as one. Read the map with
care: guided maps depend little on the class (Nie et al. 2018, Adebayo et al. 2018).
"""

from typing import Literal

from pydantic import Field

from catalog.attribution import CHECK, AttributionSummary
from catalog.heatmap import HEATMAP, IMAGE, OVERLAY, VALUES
from catalog.map_pictures import FIGURES
from catalog.smoothgrad import SmoothGradParams
from catalog.technique import ArtifactSpec, Technique


class GuidedBackpropParams(SmoothGradParams):
    differentiates_by_image = True
    figure_parameters = ("rule",)

    rule: Literal["guided", "deconvnet"] = Field(
        "guided", description="Which gradients a ReLU passes back."
    )


class GuidedBackpropSummary(AttributionSummary):
    rule: str = Field(description="The rule that ReLUs followed.")
    rectifiers: int = Field(
        description="Number of ReLU-like operators between input and target that used the rule."
    )


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
            "gradient.png", "image/png", "The gradient as a colour picture. Mid-grey is zero."
        ),
        HEATMAP,
        OVERLAY,
        VALUES,
        CHECK,
        *FIGURES,
    ),
    example={"target": "top", "rule": "guided"},
)
