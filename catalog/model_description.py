"""What only loading a model can tell, above all its layers. Workers make it, the API reads it."""

from pydantic import BaseModel, Field


class Layer(BaseModel):
    """A layer that can be a target."""

    path: str
    type: str
    shape: list[int] = Field(description="Output shape for one image: [C] or [C, H, W].")
    channels: int
    receptive_field: "ReceptiveField | None" = Field(
        None,
        description=(
            "Null if every unit sees the whole image, or the geometry is not that of a convolution."
        ),
    )


class ReceptiveField(BaseModel):
    """The pixels of the network's input that one unit sees, each as [vertical, horizontal]."""

    size: list[int]
    stride: list[int]
    offset: list[int] = Field(
        description="First pixel that the unit at 0,0 sees; negative within the padding."
    )


class ModelDescription(BaseModel):
    """What only loading a model can tell. A worker makes it, and the API reads it."""

    model: str
    weights: str | None = Field(
        None, description="SHA-256 of the weights, or null if they are not available yet."
    )
    parameters: int
    rectifiers: int = Field(
        description="Number of ReLU-like operators. Guided backpropagation needs at least one."
    )
    layers: list[Layer]
    output: list[int] | None = Field(
        None, description="Shape of the output for one image: [classes], or [classes, H, W]."
    )
