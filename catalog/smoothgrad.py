"""SmoothGrad's two parameters, shared by every technique that works on a gradient."""

from typing import ClassVar

from pydantic import Field

from catalog.attribution import AttributionParams
from catalog.idle import refuse_idle
from catalog.models import ModelEntry

_NOISE = 0.15


class SmoothGradParams(AttributionParams):
    by_gradient: ClassVar[bool] = True
    cost_advice: ClassVar[tuple[str, ...]] = ("lower samples",)

    samples: int = Field(
        1,
        ge=1,
        le=1000,
        description="SmoothGrad: noisy copies whose gradients are averaged; 1 is the plain gradient.",
    )
    noise: float = Field(
        _NOISE,
        ge=0,
        le=10,
        description="SmoothGrad: standard deviation of the noise, as a part of the input's range.",
    )

    def check_model(self, model: ModelEntry) -> None:
        super().check_model(model)
        if self.samples == 1:
            refuse_idle("noise", self.noise, _NOISE, "samples above 1")

    def depends_on_seed(self) -> bool:
        return self.samples > 1 or super().depends_on_seed()

    def batchable(self) -> bool:
        return self.samples == 1 and not self.check

    def map_passes(self, model: ModelEntry) -> int:
        return self.samples
