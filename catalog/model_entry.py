"""A model of the catalog: its origin, its preprocessing and the labels of its classes."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Preprocessing(BaseModel):
    """How a photograph becomes the network's input: resize, crop the centre, normalize.

    `mean` and `std` have one number for each channel.
    """

    model_config = ConfigDict(frozen=True)

    resize: int = Field(
        description="Side after resizing, in pixels: the shorter side, or both (see `fit`)."
    )
    crop: int = Field(description="Side of the centre square that the network sees, in pixels.")
    interpolation: Literal["bilinear", "bicubic"]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    fit: Literal["crop", "squash"] = Field(
        "crop",
        description="`crop` keeps the proportions of the photograph, `squash` makes it a square.",
    )

    @property
    def channels(self) -> int:
        """Number of channels: 3 for colour, 1 for grey."""
        return len(self.mean)


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
