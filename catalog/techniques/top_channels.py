"""Top channels: what a layer sees in an image, told by the channels that respond most and their best patches in a set.

The patches tell what a channel stands for, the box where in the image it found that. Channels differ in scale, so that
by default a channel is ranked by its value as a part of its mean over its best patches in the set.
"""

import re
from typing import Literal

from pydantic import BaseModel, Field

from catalog.errors import InvalidParameters, TooExpensive, Violation
from catalog.heatmap import IMAGE
from catalog.image_set import EXAMPLE, TOP, ImageSetParams, IndexUse, Patch
from catalog.models import ModelEntry
from catalog.technique import ArtifactSpec, Summary, Technique

MAX_PATCHES = 320


class TopChannelsParams(ImageSetParams):
    layer: str | None = Field(
        None,
        max_length=200,
        description="The layer; the model's last map by default.",
        examples=["blocks.4.0.conv_pw"],
    )
    channels: int = Field(8, ge=1, le=64, description="Channels shown.")
    k: int = Field(5, ge=1, le=TOP, description="Patches of the set per channel.")
    at: str | None = Field(
        None,
        max_length=40,
        description="`x,y` in pixels of the image: the channels that respond at this place; anywhere by default.",
        examples=["200,150"],
    )
    crop: Literal["receptive_field", "effective"] = Field(
        "receptive_field",
        description=(
            "What is cut out: all that a unit can see, or the part that 90 % of its gradient lies in, which is smaller "
            "in deep layers and costs a backward pass for each patch."
        ),
    )
    rank: Literal["relative", "absolute"] = Field(
        "relative",
        description="By the value as a part of the channel's mean over its `k` best patches, or by the value.",
    )

    def named_layers(self) -> tuple[str, ...]:
        return () if self.layer is None else (self.layer,)

    def indexed_layer(self, model: ModelEntry) -> str | None:
        return self.layer or model.recommended.get("grad_cam")

    def estimated_passes(self, model: ModelEntry) -> int:
        return 1 + (self.channels * self.k if self.crop == "effective" else 0)

    def check_model(self, model: ModelEntry) -> None:
        self.place()
        if self.channels * self.k > MAX_PATCHES:
            message = f"{self.channels} channels of {self.k} patches are too many for one sheet; {MAX_PATCHES} at most."
            raise TooExpensive(message, [Violation("/channels", message)])

    def place(self) -> tuple[float, float] | None:
        """(x, y). Raises InvalidParameters."""
        if self.at is None:
            return None
        match = re.fullmatch(r"\s*(\d{1,6}(?:\.\d+)?)\s*,\s*(\d{1,6}(?:\.\d+)?)\s*", self.at)
        if match is None:
            message = f"Write at as x,y in pixels of the image, such as 200,150; not {self.at!r}."
            raise InvalidParameters(message, [Violation("/at", message)])
        return float(match[1]), float(match[2])


class RespondingChannel(BaseModel):
    channel: int
    activation: float = Field(description="Its value in the image, at `position`.")
    relative: float | None = Field(
        description="As a multiple of its mean over its `k` best patches in the set; null if that is not positive."
    )
    position: list[int] | None = Field(description="[y, x] in the layer's map; null without a map.")
    box: list[float] = Field(
        description="[left, top, right, bottom] in pixels of the image: what the unit sees there."
    )
    patches: list[Patch] = Field(description="Its best patches in the set, best first.")


class TopChannelsSummary(Summary):
    layer: str
    rank: str
    channels: list[RespondingChannel] = Field(description="Those that respond most, first.")
    index: IndexUse


TECHNIQUE = Technique(
    title="Top channels",
    reference="Olah et al. 2018, The Building Blocks of Interpretability; Zeiler & Fergus 2014",
    score="activation",
    params=TopChannelsParams,
    summary=TopChannelsSummary,
    inputs=(IMAGE,),
    artifacts=(
        ArtifactSpec(
            "channels.png",
            "image/png",
            "One row per channel: its place in the image, then its best patches in the set.",
        ),
        ArtifactSpec(
            "channels.json", "application/json", "The summary's channels, with all numbers."
        ),
    ),
    example={"image_set": EXAMPLE, "channels": 6, "k": 5},
)
