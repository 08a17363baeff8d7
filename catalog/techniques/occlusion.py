"""Occlusion: slide a patch over the image and record how far the score falls.

The map at a pixel is the fall of the score, averaged over all patch positions that cover the pixel (or summed).
Windows lie at multiples of `stride` from the top left corner; the last ones are cut off at the edge. Sizes are in
pixels of the network's input.

Red is the largest fall, blue the least; where some parts raise the score by more than a fifth of the largest fall,
yellow is no effect and blue a rise. `color_range` tells which.
"""

from math import ceil
from typing import Literal

from pydantic import Field

from catalog.attribution import CHECK, AttributionParams, AttributionSummary
from catalog.errors import InvalidParameters, TooExpensive, Violation
from catalog.heatmap import HEATMAP, IMAGE, OVERLAY, VALUES
from catalog.models import ModelEntry
from catalog.technique import Technique

MAX_POSITIONS = 20_000
_WINDOWS, _STRIDES = 7, 28  # along a side of the input: 32 and 8 of 224 pixels


class OcclusionParams(AttributionParams):
    cost_advice = ("raise stride",)

    window: int | None = Field(
        None,
        ge=1,
        le=4096,
        description="Side of the square patch, in pixels of the network's input; by default a seventh, 32 of 224.",
    )
    stride: int | None = Field(
        None,
        ge=1,
        le=4096,
        description="Step between patches, at most `window`; by default a 28th of the input, 8 of 224.",
    )
    fill: Literal["gray", "mean", "black", "white", "blur"] = Field(
        "gray",
        description="What the patch shows; `mean` is the training mean, `blur` the image itself, blurred.",
    )
    score: Literal["probability", "logit"] = Field(
        "probability",
        description="What is watched for a class. For another unit it is always its activation.",
    )
    aggregate: Literal["mean", "sum"] = Field(
        "mean", description="How the falls of all windows that cover a pixel are put together."
    )

    def resolved(self, model: ModelEntry) -> "ResolvedOcclusion":
        window = self.window or ceil(model.input_size / _WINDOWS)
        stride = min(window, ceil(model.input_size / _STRIDES))
        return self.with_defaults(ResolvedOcclusion, {"window": window, "stride": stride})


class ResolvedOcclusion(OcclusionParams):
    """Occlusion's parameters with nothing left to default."""

    window: int
    stride: int

    def positions(self, size: int) -> int:
        """Return the number of patches on a square input of that side."""
        return (ceil((size - self.window) / self.stride) + 1) ** 2

    def map_passes(self, model: ModelEntry) -> int:
        return self.positions(model.input_size)

    def check_model(self, model: ModelEntry) -> None:
        size = model.input_size
        window, stride = self.window, self.stride
        if window > size:
            message = f"The window is {window} pixels, but {model.name} sees {size} × {size}; at most {size}."
            raise InvalidParameters(message, [Violation("/window", message)])
        if stride > window:
            message = f"The stride {stride} exceeds the window {window}, which would leave pixels uncovered."
            raise InvalidParameters(message, [Violation("/stride", message)])
        if (count := self.positions(size)) > MAX_POSITIONS:
            message = f"This grid has {count:,} positions; the limit is {MAX_POSITIONS:,}. Raise the stride."
            raise TooExpensive(message, [Violation("/stride", message)])


class OcclusionSummary(AttributionSummary):
    positions: int = Field(description="Patches tried.")
    engine: Literal["incremental", "dense"] = Field(
        description="`incremental`: only what each patch changes was computed; `dense`: whole images, where that is no "
        "slower. Both give the same map, up to rounding."
    )
    expected_speedup: float = Field(
        description="Multiplications for whole images over those that the engine needs; 1 for `dense`."
    )
    largest_fall: float = Field(description="The largest fall of the score under one patch.")
    largest_fall_score: float = Field(description="The score that was left there.")
    largest_fall_box: list[float] = Field(
        description="[left, top, right, bottom] of that patch, in pixels of the image."
    )


TECHNIQUE = Technique(
    title="Occlusion",
    reference="Zeiler & Fergus 2014, Visualizing and Understanding Convolutional Networks",
    score="probability (or logit); activation for a unit that is not a class",
    params=OcclusionParams,
    resolved=ResolvedOcclusion,
    summary=OcclusionSummary,
    inputs=(IMAGE,),
    artifacts=(HEATMAP, OVERLAY, VALUES, CHECK),
    example={"target": "top", "window": 32, "stride": 16},
)
