"""Filters: the weights of a convolution as pictures, w/‖w‖.

Of all inputs of length one, w/‖w‖ is the one that the filter w answers most, with ‖w‖ (Cauchy–Schwarz). Where the
filter reads the image's three channels it is shown in colour, all three scaled together; a deeper filter is shown as a
row of grey slices, one per input channel. Mid-grey is zero.
"""

from typing import Literal

from pydantic import Field

from catalog.technique import ArtifactSpec, Params, Summary, Technique


class FiltersParams(Params):
    layer: str | None = Field(
        None, max_length=200, description="A convolution; the first of the model by default."
    )
    scale: Literal["per_filter", "shared"] = Field(
        "per_filter",
        description="Each filter at full contrast, or all on the scale of the largest value.",
    )
    limit: int = Field(
        256, ge=1, le=1024, description="Filters in the picture, the first ones; the array has all."
    )
    slices: int = Field(
        16, ge=1, le=64, description="Input channels shown of a filter that does not read colours."
    )

    def depends_on_seed(self) -> bool:
        return False

    def named_layers(self) -> tuple[str, ...]:
        return () if self.layer is None else (self.layer,)


class FiltersSummary(Summary):
    layer: str
    shape: list[int] = Field(description="[filters, input channels per filter, height, width].")
    groups: int = Field(
        description="Each filter reads 1/groups of the input channels; as many as channels: depthwise."
    )
    shown: int = Field(description="Filters in the picture.")
    colour: bool = Field(description="True where the filters read the image's three channels.")
    scale: str
    caption: str = Field(description="What the picture shows, in words.")
    norms: list[float] = Field(
        description="‖w‖ per filter: its answer to w/‖w‖, the largest to any input of length 1."
    )


TECHNIQUE = Technique(
    title="Filters",
    reference="Cauchy–Schwarz; Krizhevsky et al. 2012, figure 3; Zeiler & Fergus 2014",
    score="the filter's answer before bias, normalization and activation",
    params=FiltersParams,
    summary=FiltersSummary,
    artifacts=(
        ArtifactSpec(
            "filters.png",
            "image/png",
            "A labelled grid of the filters, enlarged without smoothing.",
        ),
        ArtifactSpec(
            "filters.npy",
            "application/x-npy",
            "w/‖w‖ of every filter, float32, (filters, channels, height, width).",
        ),
    ),
    example={"scale": "per_filter"},
)
