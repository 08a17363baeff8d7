"""Activations: the maps of a layer's channels for an image, the strongest channels first.

Each tile of the sheet is the map of one channel, and its response is the mean or the maximum of the
map. A layer without a map has one value for each channel, and its tiles are plain. Tokens in front
of the places, such as a class token, are left out. Colours begin at 0 and end at
the largest value. If a value is negative, 0 is in the middle of other colours, from blue to red.
"""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Literal, Self

from pydantic import BaseModel, Field

from catalog.errors import TooExpensive, Violation
from catalog.heatmap import IMAGE
from catalog.model_description import ModelDescription
from catalog.models import ModelEntry
from catalog.targets import Target
from catalog.technique import ArtifactSpec, Params, Summary, Technique, Traits

MAX_TOP = 1024
# Of all tiles of the sheet, and of all maps of the array.
MAX_PIXELS = 16_000_000
MAX_VALUES = 1 << 24

Order = Literal["mean", "max", "index"]
Scale = Literal["per_channel", "shared"]


class ActivationsParams(Params):
    cost_advice = ("lower top",)

    layer: str | None = Field(
        None,
        max_length=200,
        description=(
            "The layer. By default the one that the model recommends for Grad-CAM, otherwise the "
            "last map on whose places and channels the output depends."
        ),
        examples=["blocks.4.0.conv_pw"],
    )
    top: int = Field(
        64,
        ge=1,
        le=MAX_TOP,
        description="Number of channels in the sheet. A layer with fewer channels shows all.",
    )
    order: Order = Field(
        "mean",
        description=(
            "Which channels come first: those with the largest `mean` over the places, those with "
            "the largest `max`, or in the order of their `index`. Of equals, the lower index."
        ),
    )
    scale: Scale = Field(
        "per_channel",
        description=(
            "`per_channel`: the colours of each tile end at its own largest value, so that weak "
            "channels can be seen, but not before a ten-thousandth of the largest of all. "
            "`shared`: all tiles have one scale, so that they can be compared. A layer without a "
            "map always has the shared scale."
        ),
    )
    tile: int = Field(
        96, ge=32, le=256, description="Longer side of a tile in the sheet, in pixels."
    )
    maps: Literal["top", "all"] = Field(
        "top",
        description=(
            "Channels of `maps.npy` and `channels.json`: the `top` of the sheet, or `all` of the "
            "layer in the same order."
        ),
    )
    values: Literal["uint8", "float32"] = Field(
        "uint8",
        description=(
            "Numbers of `maps.npy`. `uint8` has 0 at the lowest value of each channel and 255 at "
            "its highest: value = min + level / 255 · (max − min), with `min` and `max` of "
            "`channels.json`. `float32` has the values themselves."
        ),
    )

    def named_layers(self) -> tuple[str, ...]:
        return () if self.layer is None else (self.layer,)

    def traits(self) -> Traits:
        return Traits(batchable=True, uses_seed=False)

    def resolved(self, model: ModelEntry) -> Self:
        return self.model_copy(update={"layer": self.layer or model.recommended.get("grad_cam")})

    def validate_for(self, model: ModelEntry, targets: Sequence[Target]) -> None:
        if self.top * self.tile**2 > MAX_PIXELS:
            most = MAX_PIXELS // self.tile**2
            message = (
                f"{self.top} tiles of {self.tile} pixels are too large a sheet. Lower top to "
                f"{most}, or lower tile."
            )
            raise TooExpensive(message, [Violation("/top", message)])

    def validate_images(
        self,
        model: ModelEntry,
        sizes: Mapping[str, tuple[int, int]],
        description: ModelDescription,
    ) -> None:
        for layer in description.layers:
            if layer.path == self.layer:
                self.check_values(layer.shape)

    def check_values(self, shape: Sequence[int]) -> None:
        """Refuse an array that is too large, for a layer (C) or (C, H, W). Raises TooExpensive."""
        channels = shape[0] if self.maps == "all" else min(self.top, shape[0])
        if (values := channels * prod(shape[1:])) > MAX_VALUES:
            places = " × ".join(map(str, shape[1:]))
            advice = "Use maps=top" if self.maps == "all" else "Lower top"
            message = (
                f"The maps of {channels} channels of {places} places have {values:,} values; at "
                f"most {MAX_VALUES:,} are possible. {advice}, or choose a deeper layer."
            )
            raise TooExpensive(
                message, [Violation(f"/{'maps' if self.maps == 'all' else 'top'}", message)]
            )


class ChannelActivation(BaseModel):
    """One entry of `channels.json`, which belongs to the map of the same number in `maps.npy`."""

    channel: int = Field(description="Index of the channel.")
    mean: float = Field(description="Mean over the places.")
    min: float = Field(description="Smallest value.")
    max: float = Field(description="Largest value.")
    position: list[int] | None = Field(
        description="[y, x] of the largest value in the layer's map; null for a layer without one."
    )
    cell: list[float] = Field(
        description=(
            "[left, top, right, bottom] of this place in pixels of the image: its part of "
            "`map_box`, in which it is drawn."
        )
    )
    box: list[float] = Field(
        description=(
            "[left, top, right, bottom] of what the unit at this place sees, in pixels of the "
            "image."
        )
    )
    tile: list[int] | None = Field(
        description=(
            "[left, top, right, bottom] of the channel's tile in `sheet.png`; null if it has none."
        )
    )


class ActivationsSummary(Summary):
    layer: str = Field(description="The layer whose maps are shown.")
    channels: int = Field(description="Number of channels of the layer.")
    grid: list[int] | None = Field(
        None, description="[height, width] of the layer's map. Absent for a layer without one."
    )
    shown: list[int] = Field(description="The channels of the sheet, in its order.")
    order: Order = Field(description="By what the channels are ordered.")
    scale: Scale = Field(description="Whether each tile has a scale of colours of its own.")
    color_range: list[float] | None = Field(
        None,
        description=(
            "The values that are shown as the first and the last colour. Absent if each channel "
            "has its own."
        ),
    )
    signed: bool = Field(
        description="Whether a value is negative, so that 0 is the middle of the colours."
    )
    map_box: list[float] = Field(
        description=(
            "[left, top, right, bottom] of the part of the image that the map covers, in pixels: "
            "its places divide it into equal cells."
        )
    )
    input_box: list[float] = Field(
        description=(
            "[left, top, right, bottom] of the part of the image that the network sees, in pixels."
        )
    )
    values: Literal["uint8", "float32"] = Field(description="Numbers of `maps.npy`.")
    caption: str = Field(description="A description of the sheet in words.")


TECHNIQUE = Technique(
    title="Activations",
    reference=(
        "Olah et al. 2018, The Building Blocks of Interpretability; Zeiler & Fergus 2014, "
        "Visualizing and Understanding Convolutional Networks"
    ),
    score="activation",
    params=ActivationsParams,
    summary=ActivationsSummary,
    inputs=(IMAGE,),
    artifacts=(
        ArtifactSpec(
            "sheet.png",
            "image/png",
            "The maps as tiles in rows, each with the number of its channel and its response.",
        ),
        ArtifactSpec(
            "channels.json",
            "application/json",
            "An entry for each map of `maps.npy`, in its order: channel, mean, min, max, where the "
            "largest value is, and the tile.",
        ),
        ArtifactSpec(
            "maps.npy",
            "application/x-npy",
            "The maps, (channels, H, W), or (channels, 1, 1) for a layer without a map.",
        ),
    ),
    example={"top": 16},
)
