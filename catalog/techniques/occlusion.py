"""Occlusion: slide a patch over the image and record how far the score falls.

The map at a pixel is the fall of the score, averaged (or summed) over all patch positions that
cover the pixel. The positions are multiples of `stride` from the top left corner; the last patches
are cut off at the edge. Sizes are in pixels of the network's input.

Zero, no effect, is in the middle of the colours. With the default ones it is white, a fall of the
score is red and a rise is blue.
"""

from collections.abc import Sequence
from math import ceil
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
from catalog.technique import Technique

MAX_POSITIONS = 20_000
# Windows and strides along a side of the input: 32 and 8 of 224 pixels.
_WINDOWS, _STRIDES = 7, 28


class OcclusionParams(AttributionParams):
    cost_advice = ("raise stride",)
    figure_parameters = ("window", "stride", "fill", "aggregate")

    window: int | None = Field(
        None,
        ge=1,
        le=4096,
        description=(
            "Side of the square patch, in pixels of the network's input. By default a seventh of "
            "the "
            "input: 32 of 224."
        ),
    )
    stride: int | None = Field(
        None,
        ge=1,
        le=4096,
        description=(
            "Step between patches, at most `window`. By default a 28th of the input: 8 of 224."
        ),
    )
    fill: Literal["gray", "mean", "black", "white", "blur"] = Field(
        "gray",
        description=(
            "Content of the patch. `mean` is the training mean, `blur` the blurred image."
        ),
    )
    score: Score | None = Field(None, description=SCORE_OF_A_CLASS)
    aggregate: Literal["mean", "sum"] = Field(
        "mean", description="How the falls of all patches that cover a pixel are combined."
    )

    def map_scale(self) -> MapScale:
        return "signed"

    def resolved(self, model: ModelEntry) -> "ResolvedOcclusion":
        window = self.window or ceil(model.input_size / _WINDOWS)
        stride = min(window, ceil(model.input_size / _STRIDES))
        defaults = {
            "window": window,
            "stride": stride,
            "score": default_score(model),
            "colormap": self.default_colormap(),
        }
        return self.with_defaults(ResolvedOcclusion, defaults)


class ResolvedOcclusion(OcclusionParams):
    """Occlusion's parameters with nothing left to default."""

    window: int
    stride: int
    score: Score

    def positions(self, size: int) -> int:
        """Return the number of patches on a square input of that side."""
        return (ceil((size - self.window) / self.stride) + 1) ** 2

    def map_passes(self, model: ModelEntry) -> int:
        return self.positions(model.input_size)

    def validate_for(self, model: ModelEntry, targets: Sequence[Target]) -> None:
        super().validate_for(model, targets)
        check_score(self.score, model)
        size = model.input_size
        window, stride = self.window, self.stride
        if window > size:
            message = (
                f"The window is {window} pixels, but {model.name} sees {size} × {size} pixels. "
                f"At most {size} are possible."
            )
            raise InvalidParameters(message, [Violation("/window", message)])
        if stride > window:
            message = (
                f"The stride {stride} exceeds the window {window}, which would leave pixels "
                f"uncovered."
            )
            raise InvalidParameters(message, [Violation("/stride", message)])
        if (count := self.positions(size)) > MAX_POSITIONS:
            message = (
                f"This grid has {count:,} positions; the limit is {MAX_POSITIONS:,}. Raise the "
                f"stride."
            )
            raise TooExpensive(message, [Violation("/stride", message)])


class OcclusionSummary(AttributionSummary):
    positions: int = Field(description="Number of patches.")
    engine: Literal["incremental", "dense"] = Field(
        description=(
            "`incremental` computes only what each patch changes. `dense` computes whole images, "
            "where this is at least as fast. Both give the same map, up to rounding."
        )
    )
    expected_speedup: float = Field(
        description=(
            "Multiplications for whole images, divided by those that the engine needs; 1 for "
            "`dense`."
        )
    )
    largest_fall: float = Field(description="The largest fall of the score by one patch.")
    largest_fall_score: float = Field(description="The score with this patch.")
    largest_fall_box: list[float] = Field(
        description="[left, top, right, bottom] of this patch, in pixels of the image."
    )


TECHNIQUE = Technique(
    title="Occlusion",
    reference="Zeiler & Fergus 2014, Visualizing and Understanding Convolutional Networks",
    score="probability (or logit, or output); activation for a unit that is not a class",
    params=OcclusionParams,
    resolved=ResolvedOcclusion,
    summary=OcclusionSummary,
    inputs=(IMAGE,),
    artifacts=(HEATMAP, OVERLAY, VALUES, CHECK, *FIGURES),
    example={"target": "top", "window": 32, "stride": 16},
)
