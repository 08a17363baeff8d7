"""Saliency: the gradient of a neuron with respect to the input, strongest channel per pixel.

The derivative is taken at the network's normalized input. `max_abs` is the largest magnitude over
the colour channels, `signed` is the same entry with its sign. With `samples` above 1 the gradients
of noisy copies are averaged first (SmoothGrad).
"""

from typing import Literal

from pydantic import Field

from catalog.attribution import CHECK, AttributionSummary
from catalog.heatmap import HEATMAP, IMAGE, OVERLAY, VALUES
from catalog.map_pictures import FIGURES, MapScale
from catalog.smoothgrad import SmoothGradParams
from catalog.technique import Technique


class SaliencyParams(SmoothGradParams):
    differentiates_by_image = True

    reduce: Literal["max_abs", "signed"] = Field(
        "max_abs", description="How the colour channels are reduced to one map."
    )

    def described(self) -> str:
        sign = ", with its sign" if self.reduce == "signed" else ""
        strongest = f"strongest colour channel per pixel{sign}"
        return "; ".join(filter(None, (strongest, super().described())))

    def map_scale(self) -> MapScale:
        return "signed" if self.reduce == "signed" else "magnitude"


class SaliencySummary(AttributionSummary):
    """Numbers of a saliency map."""


TECHNIQUE = Technique(
    title="Saliency",
    reference=(
        "Simonyan, Vedaldi & Zisserman 2014, Deep Inside Convolutional Networks; "
        "Smilkov et al. 2017, SmoothGrad"
    ),
    score="logit for a class; activation otherwise",
    params=SaliencyParams,
    summary=SaliencySummary,
    inputs=(IMAGE,),
    artifacts=(HEATMAP, OVERLAY, VALUES, CHECK, *FIGURES),
    example={"target": "top", "samples": 8},
)
