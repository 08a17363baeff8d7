"""What every technique that leaves a heatmap shares: its files and the numbers that place it on the image."""

from typing import Any

from pydantic import BaseModel, Field

from catalog.technique import ArtifactSpec, InputSpec, Summary

IMAGE = InputSpec("image", "The photograph to explain.")

HEATMAP = ArtifactSpec(
    "heatmap.png",
    "image/png",
    "The map in colour over the image's own pixels, red highest, blue lowest; transparent where the network does "
    "not look.",
)
OVERLAY = ArtifactSpec(
    "overlay.png",
    "image/png",
    "The heatmap laid over the image; what the network does not see is greyed.",
)
VALUES = ArtifactSpec(
    "values.npy",
    "application/x-npy",
    "The raw float32 values, (H, W) at the network's input size, not normalized.",
)


class ExplainedTarget(BaseModel):
    """The neuron that was explained, resolved."""

    text: str
    kind: str
    index: int | None = Field(None, description="Class index, for a class.")
    label: str | None = None
    layer: str | None = None
    channel: int | None = None
    position: list[int] | None = Field(None, description="[y, x] in the layer's map.")


class HeatmapSummary(Summary):
    """Numbers of every heatmap."""

    target: ExplainedTarget
    score: str = Field(description="What the score is: logit, probability or activation.")
    score_value: float = Field(description="The score of the unchanged image.")
    probability: float | None = Field(None, description="The class's probability, for a class.")
    predicted: dict[str, Any] = Field(
        description="The model's first prediction: index, label, probability."
    )
    minimum: float
    maximum: float
    input_box: list[float] = Field(
        description="[left, top, right, bottom] in pixels of the image: what the network sees, where the map lies."
    )
    color_range: list[float] = Field(description="The values shown as full blue and full red.")
