"""What the techniques share that save a heatmap: files, and numbers that place it on the image."""

from typing import Literal

from pydantic import Field

from catalog.prediction import PredictedClass
from catalog.summary import SummaryPart
from catalog.technique import ArtifactSpec, InputSpec, Summary

IMAGE = InputSpec("image", "The photograph to explain.", bands=True)

HEATMAP = ArtifactSpec(
    "heatmap.png",
    "image/png",
    "The map in colour, with the sides of the image or in the same proportion (`picture_side`). "
    "What the network does not see is grey.",
)
OVERLAY = ArtifactSpec(
    "overlay.png",
    "image/png",
    "The heatmap over the image in grey, stronger where the value is far from zero. What the "
    "network does not see has no colour.",
)
VALUES = ArtifactSpec(
    "values.npy",
    "application/x-npy",
    "The raw float32 values, (H, W) at the size of the network's input, not normalized.",
)


class ClassPlaces(SummaryPart):
    """Places of a dense output whose mean is the score of a class."""

    count: int = Field(description="Number of the places.")
    of: int = Field(description="All places of the output.")
    chosen: Literal["first", "nowhere_first"] = Field(
        description=(
            "`first`: where the class is the first (with `head` sigmoid: where its probability is "
            "above one half). `nowhere_first`: all places, since there is none such."
        )
    )


class ExplainedTarget(SummaryPart):
    """The neuron that was explained."""

    text: str = Field(description="The target as text; for `top`, the class that it was.")
    kind: Literal["class", "channel", "neuron", "layer"] = Field(
        description="What the target is: a class, a channel, one neuron or a whole layer."
    )
    index: int | None = Field(None, description="Class index; absent unless it is a class.")
    label: str | None = Field(None, description="Label of the class; absent unless it is one.")
    layer: str | None = Field(None, description="The layer; absent for a class.")
    channel: int | None = Field(
        None, description="The channel; absent unless it is a channel or a neuron."
    )
    position: list[int] | None = Field(
        None, description="[y, x] in the map; absent unless the target names one place."
    )
    places: ClassPlaces | None = Field(
        None,
        description=(
            "Of a class of a dense output without a position: the places over which the score is "
            "the mean. They are those of the unchanged image. Absent otherwise."
        ),
    )


class HeatmapSummary(Summary):
    """Numbers of every heatmap."""

    target: ExplainedTarget
    score: str = Field(
        description=(
            "What the score is: logit, probability, activation of a layer, or output of a model "
            "whose `head` is raw."
        )
    )
    score_value: float = Field(description="The score of the unchanged image.")
    probability: float | None = Field(
        None, description="The probability of the class; absent unless it is one that has one."
    )
    predicted: PredictedClass
    minimum: float = Field(description="The smallest value of the map.")
    maximum: float = Field(description="The largest value of the map.")
    input_box: list[float] = Field(
        description=(
            "[left, top, right, bottom] of the part that the network sees and the map covers, in "
            "pixels of the image."
        )
    )
    colormap: str = Field(description="The colours of the map, by matplotlib's name.")
    color_range: list[float] = Field(
        description="The values of the two ends of the colours; what lies beyond has the last one."
    )
