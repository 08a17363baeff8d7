"""What only loading a model can tell, above all its layers. Workers make it, the API reads it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Layer(BaseModel):
    """A layer that can be a target."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    path: str = Field(description="Name of the layer, as a target names it.")
    type: str = Field(description="Class of the module.")
    shape: list[int] = Field(
        description="Output shape for one image, as a target sees it: [C] or [C, H, W]."
    )
    channels: int = Field(description="Number of channels.")
    layout: Literal["vector", "map", "channels_last", "tokens", "channels_first_tokens"] = Field(
        "map",
        description=(
            "Axes of the module's own output: [C], [C, H, W], [H, W, C], [T, C] or [C, T]. The T "
            "tokens are the places of the map, behind `prefix_tokens` others."
        ),
    )
    prefix_tokens: int = Field(
        0, description="Number of tokens in front of the map, such as a class token."
    )
    gradient: bool = Field(
        True,
        description=(
            "Whether the layer has a gradient with respect to the image. Without one, techniques "
            "that need it refuse the layer as a target."
        ),
    )
    one_size: bool = Field(
        False,
        description=(
            "Whether the layer is known to take images of the model's own size only. "
            "`style_transfer` then refuses other sizes."
        ),
    )
    receptive_field: "ReceptiveField | None" = Field(
        None,
        description=(
            "Null if every unit sees the whole image, or the geometry is not that of a convolution."
        ),
    )
    receptive_field_reason: str | None = Field(
        None, description="Why `receptive_field` is null, in one sentence."
    )


class ReceptiveField(BaseModel):
    """The pixels of the network's input that one unit sees, each as [vertical, horizontal]."""

    size: list[int] = Field(description="Height and width of the field.")
    stride: list[int] = Field(description="Distance of the fields of neighbouring units.")
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
    multiplications: int | None = Field(
        None,
        description=(
            "Multiplications of convolutions and linear layers for one image; null if they were "
            "not counted."
        ),
    )
    rectifiers: int = Field(
        description="Number of ReLU-like operators. Guided backpropagation needs at least one."
    )
    gradient: bool = Field(
        True,
        description=(
            "Whether the class scores have a gradient with respect to the image. Without one, "
            "`occlusion` and `rise` explain them."
        ),
    )
    map_gradient: bool = Field(
        False,
        description=(
            "Whether the output has a gradient with respect to a layer that has a map, which is "
            "all that `grad_cam` needs."
        ),
    )
    left_out: list[str] = Field(
        default_factory=list,
        description=(
            "Optimizations without which this model runs, since they would change its results: "
            "`channels_last`, `folded_batch_norm`, `single_images`."
        ),
    )
    tested_with: str | None = Field(
        None,
        description=(
            "Software and device on which the model passed its acceptance test with these weights."
        ),
    )
    unlisted: dict[str, str] = Field(
        default_factory=dict,
        description=(
            "Layers that are not listed, each with the reason: its values differ from what its "
            "module returns, or its axes are not proved behind an operator, which is named."
        ),
    )
    layers: list[Layer]
    output: list[int] | None = Field(
        None, description="Shape of the output for one image: [classes], or [classes, H, W]."
    )
