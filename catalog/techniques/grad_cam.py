"""Grad-CAM: which places of a layer's map speak for a class.

Each channel of the layer is weighted by the mean of the score's gradient over the map; the weighted sum, cut off below
zero, is stretched over the image. The layer is the model's last map unless one is named; the target must lie behind it.
"""

from pydantic import Field

from catalog.attribution import CHECK, AttributionSummary
from catalog.heatmap import HEATMAP, IMAGE, OVERLAY, VALUES
from catalog.smoothgrad import SmoothGradParams
from catalog.technique import ArtifactSpec, Technique


class GradCamParams(SmoothGradParams):
    layers_need_maps = True

    layer: str | None = Field(
        None, max_length=200, description="The layer whose map is weighted; the last by default."
    )
    relu: bool = Field(True, description="Keep only what speaks for the target.")

    def named_layers(self) -> tuple[str, ...]:
        return () if self.layer is None else (self.layer,)


class GradCamSummary(AttributionSummary):
    layer: str = Field(description="The layer whose map was weighted.")
    map_size: list[int] = Field(description="[height, width] of that map, before it was stretched.")


TECHNIQUE = Technique(
    title="Grad-CAM",
    reference="Selvaraju et al. 2017, Grad-CAM: Visual Explanations from Deep Networks",
    score="logit for a class; activation otherwise",
    params=GradCamParams,
    summary=GradCamSummary,
    inputs=(IMAGE,),
    artifacts=(
        HEATMAP,
        OVERLAY,
        VALUES,
        ArtifactSpec("map.npy", "application/x-npy", "The float32 values at the layer's own size."),
        CHECK,
    ),
    example={"target": "top"},
)
