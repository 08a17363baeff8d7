"""RISE: hide random parts of the image many times, and average what was left to see by the score it got.

Each mask is a grid of cells that are open with a probability, smoothly enlarged and shifted by a random part of a
cell; the image shows through where the mask is 1. The map at a pixel is the sum of score × mask over all masks,
divided by masks × probability: an estimate of the mean score when that pixel is seen. It needs no gradient, only
scores; more `masks` give a map with less grain.
"""

from typing import Literal

from pydantic import Field

from catalog.attribution import CHECK, AttributionParams, AttributionSummary
from catalog.errors import InvalidParameters, TooExpensive, Violation
from catalog.heatmap import HEATMAP, IMAGE, OVERLAY, VALUES
from catalog.models import ModelEntry
from catalog.technique import Technique

MAX_MASKS = 20_000


class RiseParams(AttributionParams):
    cost_advice = ("lower masks",)

    masks: int = Field(1000, ge=1, le=1_000_000, description="Random masks, one forward pass each.")
    grid: int = Field(7, ge=2, le=256, description="Cells of a mask along each side.")
    probability: float = Field(0.5, gt=0, lt=1, description="Probability that a cell is open.")
    fill: Literal["gray", "mean", "black", "white", "blur"] = Field(
        "mean",
        description="What shows where a mask is closed; `mean` is the training mean, `blur` the image itself, blurred.",
    )
    score: Literal["probability", "logit"] = Field(
        "probability",
        description="What is watched for a class. For another unit it is always its activation.",
    )

    def depends_on_seed(self) -> bool:
        return True

    def map_passes(self, model: ModelEntry) -> int:
        return self.masks

    def check_model(self, model: ModelEntry) -> None:
        size = model.input_size
        if self.grid > size:
            message = f"A mask has {self.grid} cells a side, but {model.name} sees {size} × {size}; at most {size}."
            raise InvalidParameters(message, [Violation("/grid", message)])
        if self.masks > MAX_MASKS:
            message = f"{self.masks:,} masks are {self.masks:,} forward passes; the limit is {MAX_MASKS:,}."
            raise TooExpensive(message, [Violation("/masks", message)])


class RiseSummary(AttributionSummary):
    masks: int = Field(description="Masks tried.")
    peak: list[float] = Field(description="[x, y] of the highest value, in pixels of the image.")
    units: str = Field(description="What one unit of the map is.")


TECHNIQUE = Technique(
    title="RISE",
    reference="Petsiuk, Das & Saenko 2018, RISE: Randomized Input Sampling for Explanation of Black-box Models",
    score="probability (or logit); activation for a unit that is not a class",
    params=RiseParams,
    summary=RiseSummary,
    inputs=(IMAGE,),
    artifacts=(HEATMAP, OVERLAY, VALUES, CHECK),
    example={"target": "top", "masks": 400},
)
