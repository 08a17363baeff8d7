"""Embed: the output of any layer for an image, as an array.

The array has the layer's own float32 values for one image: (C, H, W), or (C,) for a fully connected
or pooled layer. Use it to compare images, or send the file to `inversion`.
"""

from typing import Self

from pydantic import Field

from catalog.heatmap import IMAGE
from catalog.models import ModelEntry
from catalog.technique import ArtifactSpec, Params, Summary, Technique, Traits


class EmbedParams(Params):
    layer: str | None = Field(
        None,
        max_length=200,
        description=(
            "The layer. By default the one that the model recommends, otherwise the last one "
            "before the "
            "classes."
        ),
        examples=["global_pool", "blocks.3"],
    )

    def named_layers(self) -> tuple[str, ...]:
        return () if self.layer is None else (self.layer,)

    def traits(self) -> Traits:
        return Traits(uses_seed=False)

    def resolved(self, model: ModelEntry) -> Self:
        return self.model_copy(update={"layer": self.layer or model.recommended.get("inversion")})


class EmbedSummary(Summary):
    layer: str = Field(description="The layer whose output was saved.")
    shape: list[int] = Field(description="Shape of the output.")
    norm: float = Field(description="Square root of the sum of squares of the values.")
    mean: float = Field(description="Mean of the values.")
    zeros: float = Field(description="Fraction of the values that are exactly 0, as after a ReLU.")


TECHNIQUE = Technique(
    title="Embed",
    reference=(
        "Donahue et al. 2014, DeCAF: A Deep Convolutional Activation Feature for Generic Visual "
        "Recognition"
    ),
    score="activation",
    params=EmbedParams,
    summary=EmbedSummary,
    inputs=(IMAGE,),
    artifacts=(ArtifactSpec("embedding.npy", "application/x-npy", "float32, (C, H, W) or (C,)."),),
    example={},
)
