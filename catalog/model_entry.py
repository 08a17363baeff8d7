"""A model of the catalog: its origin, its preprocessing and the labels of its classes."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Preprocessing(BaseModel):
    """How a photograph becomes the network's input: resize, crop the centre, normalize.

    `mean` and `std` have one number for each channel. A model of 1 or 3 channels takes photographs;
    any other takes arrays of its own channels, in the units of `mean` and `std`.
    """

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)

    resize: int = Field(
        description="Side after resizing, in pixels: the shorter side, or both (see `fit`)."
    )
    crop: int = Field(description="Side of the centre square that the network sees, in pixels.")
    interpolation: Literal["bilinear", "bicubic"] = Field(description="How the image is resized.")
    mean: tuple[float, ...] = Field(
        description="What is subtracted from pixels in 0..1, for each channel."
    )
    std: tuple[float, ...] = Field(description="What they are then divided by, for each channel.")
    fit: Literal["crop", "squash"] = Field(
        "crop",
        description="`crop` keeps the proportions of the photograph, `squash` makes it a square.",
    )
    shown_channels: tuple[int, ...] = Field(
        (0, 1, 2),
        description="The channels that pictures show: red, green and blue, or one as grey.",
    )

    @property
    def channels(self) -> int:
        """Number of channels: 3 for colour, 1 for grey, any other for an array."""
        return len(self.mean)

    @property
    def takes_photographs(self) -> bool:
        """Whether a photograph has what the model sees, colour or grey."""
        return self.channels in (1, 3)


class CustomSource(BaseModel):
    """How a custom model is built and its weights are loaded.

    Paths stay on the server: no response contains them.
    """

    model_config = ConfigDict(frozen=True)

    folder: Path
    module: str
    function: str
    arguments: dict[str, Any]
    weights: Path
    weights_key: str
    prefix: str
    renames: dict[str, str]
    ignore: tuple[str, ...] = ()


HeadName = Literal["softmax", "sigmoid", "none", "raw"]


class ModelEntry(BaseModel):
    """A model of the catalog."""

    model_config = ConfigDict(frozen=True)

    name: str
    source: str = Field(description="Origin of architecture and weights.")
    builder: Literal["package", "torchvision", "timm", "own"] = Field(
        description="The loader that builds the model."
    )
    weights: str = Field(description="Name of the published weights, or of the file.")
    classes: int
    labels: str = Field("", description="Name of the list of labels; empty if there is none.")
    preprocessing: Preprocessing
    recommended: dict[str, str] = Field(
        default_factory=dict, description="Recommended layers by technique."
    )
    head: HeadName = Field("softmax", description="What makes probabilities of the output.")
    output: tuple[str | int, ...] = Field(
        (), description="Keys and indices that lead to the output, if the model returns several."
    )
    dense: bool = Field(False, description="Whether each place of a map has class scores.")
    # Whether no head was named: only who trained a model of one output knows if it is a logit.
    head_by_default: bool = Field(False, exclude=True, repr=False)
    own: CustomSource | None = Field(None, exclude=True, repr=False)
    own_labels: tuple[str, ...] = Field((), exclude=True, repr=False)

    @property
    def input_size(self) -> int:
        """Side of the network's square input, in pixels."""
        return self.preprocessing.crop

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape of the network's input, (C, H, W)."""
        return self.preprocessing.channels, self.input_size, self.input_size
