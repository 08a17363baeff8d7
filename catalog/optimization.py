"""What the techniques share that make an image by optimization."""

from typing import Any

from pydantic import BaseModel, Field, SerializerFunctionWrapHandler, model_serializer

from catalog.technique import ArtifactSpec

# Pixels that are optimized at once: a batch of this size takes some gigabytes.
MAX_PIXELS = 16 * 256**2
# Longer side of an optimized image, in pixels.
MAX_SIDE = 1024

CURVE = ArtifactSpec(
    "curve.json", "application/json", "The parts of the loss at every step, as lists by name."
)


class WithProbability(BaseModel):
    """A class that has a probability, or none. Null is written out where others are left out."""

    probability: float | None = Field(
        description="Null if the entry of the model says that there is none (`head` is raw)."
    )

    @model_serializer(mode="wrap")
    def _keep_null(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = serialize(self)
        return {"probability": None} | fields


class PredictedClass(WithProbability):
    """The model's first prediction for the 8-bit image."""

    index: int = Field(description="Class index.")
    label: str = Field(description="Label of the class.")
