"""The input that a model gets of a photograph, and the part of the photograph that it shows."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from workers.toolkit.images.types import Box

_RESAMPLING = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


@dataclass(frozen=True)
class Preprocessing:
    """How a model's input is made of a photograph.

    The short side is resized to `resize`, a centre square of `crop` is cut out, and the pixels
    become (x − mean) / std. With `fit="squash"` both sides are resized to `resize`. With one mean
    the model sees grey (ITU-R 601), with three it sees colour. With any other number it takes
    arrays (bands.py), of which pictures show `shown_channels`.
    """

    resize: int
    crop: int
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    fit: str = "crop"
    shown_channels: tuple[int, ...] = ()

    @property
    def shown(self) -> tuple[int, ...]:
        """The channels that pictures show: by default the first three, or the first as grey."""
        return self.shown_channels or tuple(range(3 if len(self.mean) >= 3 else 1))

    def prepare(self, image: Image.Image) -> "ModelInput":
        """Return the model's input for the photograph."""
        size = self.resized_size(*image.size)
        coloured = image.convert("L") if len(self.mean) == 1 else image
        resized = coloured.resize(size, _RESAMPLING[self.interpolation])
        left, top = self.corner(*size)
        square = resized.crop((left, top, left + self.crop, top + self.crop))
        return ModelInput(image, self.normalize(_pixels(square)), self.seen_box(*image.size))

    def at_size(self, side: int) -> "Preprocessing":
        """Return the same preprocessing for an input of `side` × `side` pixels."""
        return replace(self, resize=max(side, round(self.resize * side / self.crop)), crop=side)

    def normalize(self, pixels: Tensor) -> Tensor:
        """Convert pixels (B, C, H, W) in 0..1 to the network's units."""
        return (pixels - _constants(self.mean, pixels)) / _constants(self.std, pixels)

    def picture(self, x: Tensor) -> Tensor:
        """Convert the network's units (B, C, H, W) to pixels in 0..1."""
        return x * _constants(self.std, x) + _constants(self.mean, x)

    def resized_size(self, width: int, height: int) -> tuple[int, int]:
        """Return the width and height to which an image is resized before it is cropped."""
        if self.fit == "squash":
            return self.resize, self.resize
        short = min(width, height)
        return int(self.resize * width / short), int(self.resize * height / short)

    def seen_box(self, width: int, height: int) -> Box:
        """Return the part of an image that the model sees, in pixels of the image."""
        resized = self.resized_size(width, height)
        left, top = self.corner(*resized)
        sx, sy = width / resized[0], height / resized[1]
        return left * sx, top * sy, (left + self.crop) * sx, (top + self.crop) * sy

    def corner(self, width: int, height: int) -> tuple[int, int]:
        """Return left and top of the square in a resized image of that width and height.

        They are negative where the image is smaller than the square.
        """
        return round((width - self.crop) / 2), round((height - self.crop) / 2)


@dataclass(frozen=True)
class ModelInput:
    """A photograph, the network's input made from it, and the box that the input shows.

    The box is in pixels of the photograph.
    """

    image: Image.Image
    x: Tensor  # (1, C, H, W)
    box: Box

    def to_image(self, box: Box) -> Box:
        """Convert a box in pixels of the input to pixels of the photograph."""
        left, top, right, bottom = self.box
        sx, sy = (right - left) / self.x.shape[3], (bottom - top) / self.x.shape[2]
        return left + box[0] * sx, top + box[1] * sy, left + box[2] * sx, top + box[3] * sy


def _constants(values: tuple[float, ...], like: Tensor) -> Tensor:
    return torch.tensor(values).to(like)[:, None, None]


def _pixels(image: Image.Image) -> Tensor:
    array = np.asarray(image, dtype=np.float32) / 255  # (H, W, C), or (H, W) if it is grey
    array = array.reshape(*array.shape[:2], -1)
    return torch.from_numpy(array).permute(2, 0, 1)[None].contiguous()
