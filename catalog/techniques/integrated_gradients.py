"""Integrated gradients: the score's change from a baseline image to this one, shared out over the pixels.

The gradient is integrated along the straight line from the baseline, by Gauss–Legendre quadrature, and multiplied by
the difference; the values of a pixel's channels are added. All values together are the change of the score, up to
`convergence_delta`: where that is not small, take more `steps`.
"""

from typing import Literal

from pydantic import Field

from catalog.attribution import CHECK, AttributionSummary
from catalog.errors import TooExpensive, Violation
from catalog.heatmap import HEATMAP, IMAGE, OVERLAY, VALUES
from catalog.models import ModelEntry
from catalog.smoothgrad import SmoothGradParams
from catalog.technique import Technique

MAX_POINTS = 10_000


class IntegratedGradientsParams(SmoothGradParams):
    cost_advice = ("lower samples", "lower steps")

    steps: int = Field(50, ge=1, le=1000, description="Points of the quadrature.")
    baseline: Literal["black", "gray", "mean", "white", "blur"] = Field(
        "black",
        description="The image that says nothing; `mean` is the training mean, `blur` this image, blurred.",
    )

    def batchable(self) -> bool:
        return False

    def map_passes(self, model: ModelEntry) -> int:
        return self.steps * self.samples

    def check_model(self, model: ModelEntry) -> None:
        if (points := self.steps * self.samples) > MAX_POINTS:
            message = f"steps × samples is {points:,}; the limit is {MAX_POINTS:,} gradients."
            raise TooExpensive(message, [Violation("/samples", message)])


class IntegratedGradientsSummary(AttributionSummary):
    baseline_score: float = Field(description="The score of the baseline.")
    convergence_delta: float | None = Field(
        None,
        description="Sum of the values minus the change of the score; 0 is exact. Only without noisy copies.",
    )
    units: str = Field(description="What one unit of the map is.")


TECHNIQUE = Technique(
    title="Integrated gradients",
    reference="Sundararajan, Taly & Yan 2017, Axiomatic Attribution for Deep Networks",
    score="logit for a class; activation otherwise",
    params=IntegratedGradientsParams,
    summary=IntegratedGradientsSummary,
    inputs=(IMAGE,),
    artifacts=(HEATMAP, OVERLAY, VALUES, CHECK),
    example={"target": "top"},
)
