"""What techniques that read an image set share: the parameter, the patches, and the activation index they stand on."""

import hashlib
import json
from typing import ClassVar

from pydantic import BaseModel, Field

from catalog.models import ModelEntry
from catalog.technique import Params

EXAMPLE = "019ab3c58e41d07f6a2be95c4f183d20"  # what an id looks like
TOP = 64  # images that the index keeps per channel


class ImageSetParams(Params):
    """Parameters of a technique that reads an image set. Its `passes` are without those that complete an index."""

    image_set: str = Field(
        max_length=1000,
        description="Id of an image set, made by POST /v1/image-sets. (`retinoscope run` takes a folder of pictures.)",
    )

    cost_advice: ClassVar[tuple[str, ...]] = ("take a smaller image_set",)

    def deterministic(self) -> bool:
        return False  # a set grows, and what the result says of the index is about this job

    def indexed_layer(self, model: ModelEntry) -> str | None:
        """The layer whose index is read: the empty text for the output, None where only the loaded model can tell."""
        return None


class Patch(BaseModel):
    """The part of an image that activates a channel."""

    image: str = Field(description="Id of the image.")
    activation: float = Field(description="The channel's largest value on this image.")
    position: list[int] | None = Field(
        description="[y, x] of that value in the layer's map; null without a map."
    )
    box: list[float] = Field(
        description="[left, top, right, bottom] in pixels of the image: what the unit sees there."
    )
    file: str | None = Field(None, description="The artifact that shows it.")


class IndexUse(BaseModel):
    """What the answer cost."""

    images: int = Field(description="Images that the index covers.")
    added: int = Field(
        description="Images that this job had to run through the model to complete the index."
    )
    model_calls: int = Field(
        description="Batches that this job sent through the model, gradients included."
    )


def index_name(model: str, weights: str, layer: str) -> str:
    """Name of the file that keeps the index of a layer."""
    digest = hashlib.sha256(json.dumps([1, TOP, model, weights, layer]).encode()).hexdigest()
    return f"index-{digest[:32]}.npz"


def complete_index_name(name: str, images: int) -> str:
    """Name of the empty file that says that the index covers that many images."""
    return f"{name}.covers-{images}"
