"""Top channels: the channels of a layer that respond most to an image, with their best patches.

The patches are those of an image set. They show what a channel responds to in general; the box
shows where it does so in this image. Channels have different scales. By default a channel is
therefore ranked by its value divided by its mean over its best patches in the set.
"""

import re
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from catalog.errors import InvalidParameters, TooExpensive, Violation
from catalog.image_set import EXAMPLE, TOP, ImageSetParams, IndexUse, Patch
from catalog.models import ModelEntry
from catalog.summary import SummaryPart
from catalog.targets import Target
from catalog.technique import ArtifactSpec, InputSpec, Summary, Technique

MAX_PATCHES = 320
_NUMBER = r"([0-9]{1,6}(?:\.[0-9]+)?)"
_PLACE = re.compile(rf"\s*{_NUMBER}\s*,\s*{_NUMBER}\s*")


class TopChannelsParams(ImageSetParams):
    layer: str | None = Field(
        None,
        max_length=200,
        description=(
            "The layer. By default the one that the model recommends for Grad-CAM, otherwise the "
            "last map on whose places and channels the output depends."
        ),
        examples=["blocks.4.0.conv_pw"],
    )
    channels: int = Field(8, ge=1, le=64, description="Number of channels.")
    k: int = Field(5, ge=1, le=TOP, description="Number of patches of the set for each channel.")
    at: str | None = Field(
        None,
        max_length=40,
        description=(
            "`x,y` in pixels of the image: only responses at this place count. By default all "
            "places "
            "count."
        ),
        examples=["200,150"],
    )
    crop: Literal["receptive_field", "effective"] = Field(
        "receptive_field",
        description=(
            "What is cut out: everything that a unit can see, or the part with 90 % of its "
            "gradient. "
            "That part is smaller in deep layers and costs a backward pass for each patch."
        ),
    )
    rank: Literal["relative", "absolute"] = Field(
        "relative",
        description=(
            "`relative` ranks by the value divided by the channel's mean over its `k` best "
            "patches, "
            "`absolute` by the value."
        ),
    )

    def named_layers(self) -> tuple[str, ...]:
        return () if self.layer is None else (self.layer,)

    def indexed_layer(self, model: ModelEntry, targets: Sequence[Target]) -> str | None:
        return self.layer or model.recommended.get("grad_cam")

    def estimated_passes(self, model: ModelEntry) -> int:
        return 1 + (self.channels * self.k if self.crop == "effective" else 0)

    def validate_for(self, model: ModelEntry, targets: Sequence[Target]) -> None:
        self.place()
        if self.channels * self.k > MAX_PATCHES:
            message = (
                f"{self.channels} channels of {self.k} patches are too many for one sheet; "
                f"at most {MAX_PATCHES} patches are possible."
            )
            raise TooExpensive(message, [Violation("/channels", message)])

    def place(self) -> tuple[float, float] | None:
        """Return (x, y) of `at`. Raises InvalidParameters."""
        if self.at is None:
            return None
        match = _PLACE.fullmatch(self.at)
        if match is None:
            message = f"Write at as x,y in pixels of the image, such as 200,150; not {self.at!r}."
            raise InvalidParameters(message, [Violation("/at", message)])
        return float(match[1]), float(match[2])


class RespondingChannel(SummaryPart):
    channel: int = Field(description="Number of the channel.")
    activation: float = Field(description="The value of the channel in the image, at `position`.")
    relative: float | None = Field(
        description=(
            "The value divided by the channel's mean over its `k` best patches in the set; absent "
            "if the mean is not positive."
        )
    )
    position: list[int] | None = Field(
        description="[y, x] in the layer's map; absent if the output is not a map."
    )
    box: list[float] = Field(
        description=(
            "[left, top, right, bottom] of what the unit sees, in pixels of the image. Empty, "
            "with left = right, for a unit that sees only padding."
        )
    )
    patches: list[Patch] = Field(
        description="The best patches of the channel in the set, the best first."
    )


class TopChannelsSummary(Summary):
    layer: str = Field(description="The layer whose channels are ranked.")
    rank: str = Field(description="What the channels are ranked by.")
    channels: list[RespondingChannel] = Field(
        description="The channels in the order of their rank."
    )
    left_out: list[str] = Field(
        description=(
            "Images of the set that are the asked image itself, pixel for pixel. They take no part "
            "in patches and means."
        ),
    )
    index: IndexUse


TECHNIQUE = Technique(
    title="Top channels",
    reference="Olah et al. 2018, The Building Blocks of Interpretability; Zeiler & Fergus 2014",
    score="activation",
    params=TopChannelsParams,
    summary=TopChannelsSummary,
    inputs=(InputSpec("image", "The photograph to explain."),),
    artifacts=(
        ArtifactSpec(
            "channels.png",
            "image/png",
            "One row for each channel: its place in the image, then its best patches in the set.",
        ),
        ArtifactSpec(
            "channels.json", "application/json", "The channels of the summary, with all numbers."
        ),
    ),
    example={"image_set": EXAMPLE, "channels": 6, "k": 5},
)
