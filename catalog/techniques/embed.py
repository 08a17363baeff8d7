"""Embed: the output of any layer for an image, as an array.

The numbers are the layer's own, float32, for one image: (C, H, W), or (C,) of a fully connected or pooled layer.
Compare images by them, or send the file back to `inversion`.
"""

from typing import Self

from pydantic import Field

from catalog.heatmap import IMAGE
from catalog.models import ModelEntry
from catalog.technique import ArtifactSpec, Params, Summary, Technique


class EmbedParams(Params):
    layer: str | None = Field(
        None,
        max_length=200,
        description="The layer; by default the one that the model recommends, or the last before the classes.",
        examples=["global_pool", "blocks.3"],
    )

    def named_layers(self) -> tuple[str, ...]:
        return () if self.layer is None else (self.layer,)

    def depends_on_seed(self) -> bool:
        return False

    def resolved(self, model: ModelEntry) -> Self:
        return self.model_copy(update={"layer": self.layer or model.recommended.get("inversion")})


class EmbedSummary(Summary):
    layer: str
    shape: list[int]
    norm: float = Field(description="Square root of the sum of squares.")
    mean: float
    zeros: float = Field(description="Part of the numbers that are exactly 0, as behind a ReLU.")


TECHNIQUE = Technique(
    title="Embed",
    reference="Donahue et al. 2014, DeCAF: A Deep Convolutional Activation Feature for Generic Visual Recognition",
    score="activation",
    params=EmbedParams,
    summary=EmbedSummary,
    inputs=(IMAGE,),
    artifacts=(ArtifactSpec("embedding.npy", "application/x-npy", "float32, (C, H, W) or (C,)."),),
    example={},
)
