"""Filters: the weights of a convolution as pictures of w/‖w‖.

Of all inputs with norm 1, w/‖w‖ is the one to which the filter w responds most strongly; the
response is ‖w‖ (Cauchy–Schwarz). A filter that reads the three channels of the image is shown in
colour, with one scale for the three channels. A deeper filter is shown as a row of grey slices, one
for each input channel. Mid-grey is zero. Filters that training has left almost without weights are
crossed out, since w/‖w‖ would show them like any other.
"""

from typing import Literal

from pydantic import Field

from catalog.technique import ArtifactSpec, Params, Summary, Technique, Traits


class FiltersParams(Params):
    layer: str | None = Field(
        None, max_length=200, description="A convolution. By default the first one of the model."
    )
    scale: Literal["per_filter", "shared"] = Field(
        "per_filter",
        description=(
            "`per_filter` shows each filter at full contrast, `shared` shows all of them on the "
            "scale "
            "of the largest value."
        ),
    )
    limit: int = Field(
        256,
        ge=1,
        le=1024,
        description=(
            "Number of filters in the picture, beginning with the first. The array has all filters."
        ),
    )
    slices: int = Field(
        16,
        ge=1,
        le=64,
        description=(
            "Number of input channels that are shown of a filter that does not read colours."
        ),
    )

    def traits(self) -> Traits:
        return Traits(uses_seed=False)

    def named_layers(self) -> tuple[str, ...]:
        return () if self.layer is None else (self.layer,)


class FiltersSummary(Summary):
    layer: str = Field(description="The convolution whose filters are shown.")
    shape: list[int] = Field(description="[filters, input channels per filter, height, width].")
    groups: int = Field(
        description=(
            "Each filter reads 1/groups of the input channels. A depthwise convolution has as many "
            "groups as channels."
        )
    )
    weights: Literal["stored", "computed"] = Field(
        description=(
            "`stored` weights are parameters of the model. `computed` ones are made from "
            "parameters, as by weight standardization or weight norm, and are those that the "
            "convolution really uses."
        ),
    )
    shown: int = Field(description="Number of filters in the picture.")
    colour: bool = Field(description="Whether the filters read the three channels of the image.")
    scale: Literal["per_filter", "shared"] = Field(
        description="Whether all filters share one scale of brightness."
    )
    caption: str = Field(description="A description of the picture in words.")
    dead: list[int] = Field(
        description=(
            "Filters whose norm is below a thousandth of the largest one: they respond to nothing, "
            "and the picture shows them crossed out instead of their rounding errors."
        )
    )
    norms: list[float] = Field(
        description="‖w‖ of each filter: its response to w/‖w‖, the largest to any input of norm 1."
    )


TECHNIQUE = Technique(
    title="Filters",
    reference="Cauchy–Schwarz; Krizhevsky et al. 2012, figure 3; Zeiler & Fergus 2014",
    score="response of the filter before bias, normalization and activation",
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
