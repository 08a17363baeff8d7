"""What only loading a model can tell: its layers. Made by a worker, read by the API."""

from pydantic import BaseModel, Field


class Layer(BaseModel):
    """A layer that can be a target."""

    path: str
    type: str
    shape: list[int] = Field(description="Output shape for one image: [C] or [C, H, W].")
    channels: int
    receptive_field: "ReceptiveField | None" = Field(
        None,
        description="Null where every unit sees the whole image or the geometry is not that of a convolution.",
    )


class ReceptiveField(BaseModel):
    """Pixels of the network's input that one unit sees; [vertical, horizontal] each."""

    size: list[int]
    stride: list[int]
    offset: list[int] = Field(
        description="First pixel seen by the unit at 0,0; negative inside the padding."
    )


class ModelDescription(BaseModel):
    """What only loading a model can tell; made by a worker, read by the API."""

    model: str
    weights: str | None = Field(
        None, description="sha256 of the weights, or null where they are not available yet."
    )
    parameters: int
    rectifiers: int = Field(
        description="ReLU-like operators; guided backpropagation needs at least one."
    )
    layers: list[Layer]
