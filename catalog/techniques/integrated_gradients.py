"""Integrated gradients: the difference of the score to that of a baseline, by pixels.

The gradient is integrated along the straight line from the baseline to the image by Gauss–Legendre
quadrature and multiplied by the difference of the two images. The values of a pixel's channels are
added. The sum of all values is the difference of the score, up to `convergence_delta`: if that is
not small, use more `steps`.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from pydantic import Field

from catalog.attribution import CHECK, AttributionSummary
from catalog.errors import TooExpensive, Violation
from catalog.heatmap import HEATMAP, IMAGE, OVERLAY, VALUES
from catalog.map_pictures import FIGURES, MapScale
from catalog.models import ModelEntry
from catalog.smoothgrad import SmoothGradParams
from catalog.targets import Target
from catalog.technique import Technique, Traits

MAX_POINTS = 10_000


class IntegratedGradientsParams(SmoothGradParams):
    differentiates_by_image = True
    cost_advice = ("lower samples", "lower steps")
    figure_parameters = ("steps", "baseline")

    steps: int = Field(50, ge=1, le=1000, description="Number of points of the quadrature.")
    baseline: Literal["black", "gray", "mean", "white", "blur"] = Field(
        "black",
        description=(
            "The image without information. `mean` is the training mean, `blur` the blurred image."
        ),
    )

    def map_scale(self) -> MapScale:
        return "signed"

    def traits(self) -> Traits:
        return replace(super().traits(), batchable=False)

    def map_passes(self, model: ModelEntry) -> int:
        return self.steps * self.samples

    def validate_for(self, model: ModelEntry, targets: Sequence[Target]) -> None:
        super().validate_for(model, targets)
        if (points := self.steps * self.samples) > MAX_POINTS:
            message = (
                f"steps × samples is {points:,}; the limit is {MAX_POINTS:,} gradients. "
                "Lower steps or samples."
            )
            raise TooExpensive(message, [Violation("/samples", message)])


class IntegratedGradientsSummary(AttributionSummary):
    baseline_score: float = Field(description="The score of the baseline.")
    convergence_delta: float | None = Field(
        None,
        description=(
            "Sum of the values minus the difference of the score; 0 is exact. Absent with noisy "
            "copies."
        ),
    )


TECHNIQUE = Technique(
    title="Integrated gradients",
    reference="Sundararajan, Taly & Yan 2017, Axiomatic Attribution for Deep Networks",
    score="logit for a class; activation otherwise",
    params=IntegratedGradientsParams,
    summary=IntegratedGradientsSummary,
    inputs=(IMAGE,),
    artifacts=(HEATMAP, OVERLAY, VALUES, CHECK, *FIGURES),
    example={"target": "top"},
)
