"""One model of the menu: where it comes from, how it sees, what its classes are called."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Preprocessing(BaseModel):
    """From a photograph to the network's input: resize, crop the centre, normalize. One mean and std per channel."""

    model_config = ConfigDict(frozen=True)

    resize: int = Field(
        description="Side after resizing, in pixels: the shorter one, or both (see `fit`)."
    )
    crop: int = Field(description="Side of the centre square that the network sees, in pixels.")
    interpolation: Literal["bilinear", "bicubic"]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    fit: Literal["crop", "squash"] = Field(
        "crop", description="`crop` keeps the photograph's proportions, `squash` makes it a square."
    )

    @property
    def channels(self) -> int:
        """3 for colour, 1 for grey."""
        return len(self.mean)


class CustomSource(BaseModel):
    """How a model of your own is built and filled. Paths stay on the server: no answer shows them."""

    model_config = ConfigDict(frozen=True)

    folder: Path
    module: str
    function: str
    arguments: dict[str, Any]
    weights: Path
    weights_key: str
    prefix: str
    renames: dict[str, str]


class ModelEntry(BaseModel):
    """One model of the menu."""

    model_config = ConfigDict(frozen=True)

    name: str
    source: str = Field(description="Where architecture and weights come from.")
    builder: Literal["package", "torchvision", "timm", "own"] = Field(
        description="Which loader builds it."
    )
    weights: str = Field(description="Name of the published weights, or of the file.")
    classes: int
    labels: str = Field("", description="Name of the label list; empty where there is none.")
    preprocessing: Preprocessing
    recommended: dict[str, str] = Field(
        default_factory=dict, description="Good layers by technique."
    )
    own: CustomSource | None = Field(None, exclude=True, repr=False)
    own_labels: tuple[str, ...] = Field((), exclude=True, repr=False)

    @property
    def input_size(self) -> int:
        return self.preprocessing.crop

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W)"""
        return self.preprocessing.channels, self.input_size, self.input_size
