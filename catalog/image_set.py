"""What the techniques share that read an image set: the parameter, the patches and the index."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from catalog.models import ModelEntry
from catalog.summary import SummaryPart
from catalog.targets import Target
from catalog.technique import Params, Traits

# An id of an image set, for examples.
EXAMPLE = "019ab3c58e41d07f6a2be95c4f183d20"
# Images that the index keeps for each channel.
TOP = 64
# How images are decoded and which tensors are layers. Raise it when either changes: an index made
# otherwise must be neither read nor extended. 1 was that of 0.1.0, which knew no colour profiles.
READING = 2


class ImageSetParams(Params):
    """Parameters of a technique that reads an image set.

    `estimated_passes` does not count the passes that complete an index.
    """

    image_set: str = Field(
        max_length=1000,
        description=(
            "Id of an image set, made by POST /v1/image-sets. (`retinoscope run` takes a folder of "
            "images.)"
        ),
    )

    cost_advice: ClassVar[tuple[str, ...]] = ("take a smaller image_set",)

    def traits(self) -> Traits:
        # A set grows, and what the result says about the index is true of this job only.
        return replace(super().traits(), deterministic=False)

    def indexed_layer(self, model: ModelEntry, targets: Sequence[Target]) -> str | None:
        """Return the layer whose index is read.

        The empty text means the output of the model. None if only the loaded model can tell.
        """
        return None


class Patch(SummaryPart):
    """The part of an image that activates a channel."""

    image: str = Field(description="Id of the image.")
    activation: float = Field(description="The largest value of the channel on this image.")
    position: list[int] | None = Field(
        description="[y, x] of this value in the layer's map; absent if the output is not a map."
    )
    box: list[float] = Field(
        description=(
            "[left, top, right, bottom] of what the unit sees, in pixels of the image. Empty, "
            "with left = right, for a unit that sees only padding."
        )
    )
    file: str | None = Field(
        None,
        description="The artifact that shows the patch alone; absent if the sheet alone shows it.",
    )


class IndexUse(SummaryPart):
    """What the job cost."""

    images: int = Field(description="Number of images that the index covers.")
    added: int = Field(
        description=(
            "Number of images that this job had to send through the model to complete the index."
        )
    )
    model_calls: int = Field(
        description=(
            "Number of batches that this job sent through the model, including those for gradients."
        )
    )


def index_name(model: str, weights: str, layer: str) -> str:
    """Return the name of the file that keeps the index of a layer."""
    digest = hashlib.sha256(json.dumps([READING, TOP, model, weights, layer]).encode()).hexdigest()
    return f"index-{digest[:32]}.npz"


def complete_index_name(name: str, images: int) -> str:
    """Return the name of the empty file that marks an index as complete for that many images."""
    return f"{name}.covers-{images}"
