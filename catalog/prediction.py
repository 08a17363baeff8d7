"""A predicted class, with the probability that some models have and some have not."""

from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from catalog.summary import SummaryPart


class WithProbability(SummaryPart):
    """A class that has a probability, or none. Null is written out where others are left out."""

    sent_as_null = frozenset({"probability"})

    probability: float | None = Field(
        description="Null if the entry of the model says that there is none (`head` is raw)."
    )

    @model_serializer(mode="wrap")
    def _keep_null(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = serialize(self)
        return dict.fromkeys(self.sent_as_null) | fields


class PredictedClass(WithProbability):
    """The model's first prediction for an image, or for the 8-bit result."""

    index: int = Field(description="Class index.")
    label: str = Field(description="Label of the class.")
