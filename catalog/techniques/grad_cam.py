"""Grad-CAM: the places of a layer's map that support a class.

Each channel of the layer is weighted by the mean of the score's gradient over the map. The weighted
sum, with negative values set to zero, is drawn where the map lies in the image: over all of it,
unless the network crops or pads its own input. By default the layer is the
one that the model recommends, or else the last map on whose places and channels the output depends.
The target must depend on the layer.
"""

from pydantic import Field

from catalog.attribution import CHECK, AttributionSummary
from catalog.heatmap import HEATMAP, IMAGE, OVERLAY, VALUES
from catalog.map_pictures import FIGURES, MapScale
from catalog.smoothgrad import SmoothGradParams
from catalog.technique import ArtifactSpec, Technique


class GradCamParams(SmoothGradParams):
    layers_need_maps = True

    layer: str | None = Field(
        None,
        max_length=200,
        description=(
            "The layer whose map is weighted. By default the one that the model recommends, "
            "otherwise the last map on whose places and channels the output depends."
        ),
    )
    relu: bool = Field(True, description="Keep only what supports the target.")

    def map_scale(self) -> MapScale:
        return "magnitude" if self.relu else "signed"

    def named_layers(self) -> tuple[str, ...]:
        return () if self.layer is None else (self.layer,)


class GradCamSummary(AttributionSummary):
    layer: str = Field(description="The layer whose map was weighted.")
    map_size: list[int] = Field(description="[height, width] of this map before it was resized.")


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
        ArtifactSpec(
            "map.npy", "application/x-npy", "The float32 values at the size of the layer's map."
        ),
        CHECK,
        *FIGURES,
    ),
    example={"target": "top"},
)
