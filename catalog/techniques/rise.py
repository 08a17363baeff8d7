"""RISE: hide random parts of the image, and average the visible parts weighted by the score.

Each mask is a grid of cells that are open with a probability, smoothly enlarged and shifted by a
random fraction of a cell. The image is visible where the mask is 1. The map at a pixel is the sum
of score × mask over all masks, divided by masks × probability: an estimate of the mean score given
that the pixel is visible. RISE needs no gradient, only scores. More `masks` give a less noisy map.
Its colours run from the lowest value to the highest, since zero has no meaning of its own: a place
that does not matter has the mean score.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from pydantic import Field

from catalog.attribution import (
    CHECK,
    SCORE_OF_A_CLASS,
    AttributionParams,
    AttributionSummary,
    Score,
    check_score,
    default_score,
)
from catalog.errors import InvalidParameters, TooExpensive, Violation
from catalog.heatmap import HEATMAP, IMAGE, OVERLAY, VALUES
from catalog.map_pictures import FIGURES, MapScale
from catalog.models import ModelEntry
from catalog.targets import Target
from catalog.technique import Technique, Traits

MAX_MASKS = 20_000


class RiseParams(AttributionParams):
    cost_advice = ("lower masks",)

    masks: int = Field(
        1000, ge=1, le=1_000_000, description="Number of random masks, one forward pass each."
    )
    grid: int = Field(7, ge=2, le=256, description="Number of cells of a mask along each side.")
    probability: float = Field(0.5, gt=0, lt=1, description="Probability that a cell is open.")
    fill: Literal["gray", "mean", "black", "white", "blur"] = Field(
        "mean",
        description=(
            "What replaces the image where a mask is closed. `mean` is the training mean, `blur` "
            "the "
            "blurred image."
        ),
    )
    score: Score | None = Field(None, description=SCORE_OF_A_CLASS)

    def described(self) -> str:
        cells = f"{self.grid} × {self.grid} cells, open with probability {self.probability:g}"
        return f"{self.masks:,} masks of {cells}, fill {self.fill}"

    def map_scale(self) -> MapScale:
        return "level"

    def traits(self) -> Traits:
        return replace(super().traits(), uses_seed=True)

    def map_passes(self, model: ModelEntry) -> int:
        return self.masks

    def resolved(self, model: ModelEntry) -> "ResolvedRise":
        return self.with_defaults(
            ResolvedRise, {"score": default_score(model), "colormap": self.default_colormap()}
        )


class ResolvedRise(RiseParams):
    """RISE's parameters with nothing left to default."""

    score: Score

    def validate_for(self, model: ModelEntry, targets: Sequence[Target]) -> None:
        super().validate_for(model, targets)
        check_score(self.score, model)
        size = model.input_size
        if self.grid > size:
            message = (
                f"A mask has {self.grid} cells a side, but {model.name} sees {size} × {size} "
                f"pixels. At most {size} cells are possible."
            )
            raise InvalidParameters(message, [Violation("/grid", message)])
        if self.masks > MAX_MASKS:
            message = (
                f"{self.masks:,} masks are {self.masks:,} forward passes; the limit is "
                f"{MAX_MASKS:,}. Lower masks."
            )
            raise TooExpensive(message, [Violation("/masks", message)])


class RiseSummary(AttributionSummary):
    masks: int = Field(description="Number of masks.")
    peak: list[float] = Field(description="[x, y] of the highest value, in pixels of the image.")


TECHNIQUE = Technique(
    title="RISE",
    reference=(
        "Petsiuk, Das & Saenko 2018, RISE: Randomized Input Sampling for Explanation of Black-box "
        "Models"
    ),
    score="probability (or logit, or output); activation for a unit that is not a class",
    params=RiseParams,
    resolved=ResolvedRise,
    summary=RiseSummary,
    inputs=(IMAGE,),
    artifacts=(HEATMAP, OVERLAY, VALUES, CHECK, *FIGURES),
    example={"target": "top", "masks": 400},
)
