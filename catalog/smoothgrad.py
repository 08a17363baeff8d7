"""The two parameters of SmoothGrad, which every technique shares that works on a gradient."""

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from catalog.attribution import AttributionParams
from catalog.checks import refuse_unused
from catalog.models import ModelEntry
from catalog.targets import Target
from catalog.technique import Traits

_NOISE = 0.15


class SmoothGradParams(AttributionParams):
    by_gradient: ClassVar[bool] = True
    cost_advice: ClassVar[tuple[str, ...]] = ("lower samples",)

    samples: int = Field(
        1,
        ge=1,
        le=1000,
        description=(
            "SmoothGrad: number of noisy copies whose gradients are averaged. 1 is the plain "
            "gradient."
        ),
    )
    noise: float = Field(
        _NOISE,
        ge=0,
        le=10,
        description=(
            "SmoothGrad: standard deviation of the noise, as a fraction of the input's range."
        ),
    )

    def validate_for(self, model: ModelEntry, targets: Sequence[Target]) -> None:
        super().validate_for(model, targets)
        if self.samples == 1:
            refuse_unused("noise", self.noise, _NOISE, "samples above 1")

    def described(self) -> str:
        copies = f"SmoothGrad of {self.samples} copies, noise {self.noise:g}"
        parts = (super().described(), copies if self.samples > 1 else "")
        return ", ".join(filter(None, parts))

    def traits(self) -> Traits:
        return Traits(
            batchable=self.samples == 1 and not self.check,
            uses_seed=self.samples > 1 or self.check,
        )

    def map_passes(self, model: ModelEntry) -> int:
        return self.samples
