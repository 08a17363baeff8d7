"""What the network sees of a photograph, and where that lies on it."""

import io
from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from workers.toolkit.errors import UnreadableImage

Box = tuple[float, float, float, float]
_RESAMPLING = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")


@dataclass(frozen=True)
class Preprocessing:
    """How a model's input is made: short side to `resize`, centre square of `crop`, then (x − mean) / std.

    With `squash` both sides become `resize`. An preprocessing with one mean sees grey (ITU-R 601), one with three sees colour.
    """

    resize: int
    crop: int
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    fit: str = "crop"

    def prepare(self, image: Image.Image) -> "ModelInput":
        size = self.resized_size(*image.size)
        resized = (image.convert("L") if len(self.mean) == 1 else image).resize(
            size, _RESAMPLING[self.interpolation]
        )
        left, top = self.corner(*size)
        square = resized.crop((left, top, left + self.crop, top + self.crop))
        sx, sy = image.width / resized.width, image.height / resized.height
        box = (left * sx, top * sy, (left + self.crop) * sx, (top + self.crop) * sy)
        return ModelInput(image, self.normalize(_pixels(square)), box)

    def at_size(self, side: int) -> "Preprocessing":
        """The same preprocessing for an input of `side` × `side` pixels."""
        return replace(self, resize=max(side, round(self.resize * side / self.crop)), crop=side)

    def normalize(self, pixels: Tensor) -> Tensor:
        """(B, C, H, W) in 0..1 → the network's units."""
        return (pixels - _constants(self.mean, pixels)) / _constants(self.std, pixels)

    def picture(self, x: Tensor) -> Tensor:
        """The network's units (B, C, H, W) → 0..1."""
        return x * _constants(self.std, x) + _constants(self.mean, x)

    def resized_size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height to which an image of that size is brought, before the square is cut out."""
        if self.fit == "squash":
            return self.resize, self.resize
        short = min(width, height)
        return int(self.resize * width / short), int(self.resize * height / short)

    def corner(self, width: int, height: int) -> tuple[int, int]:
        """Left and top of the square in the resized image; negative where the image is smaller than the square."""
        return round((width - self.crop) / 2), round((height - self.crop) / 2)


def _constants(values: tuple[float, ...], like: Tensor) -> Tensor:
    return torch.tensor(values).to(like)[:, None, None]


@dataclass(frozen=True)
class ModelInput:
    """A photograph, the network's input made from it, and the box of the photograph that the input shows."""

    image: Image.Image
    x: Tensor  # (1, C, H, W)
    box: Box  # left, top, right, bottom, in pixels of the image

    def to_image(self, box: Box) -> Box:
        """A box in pixels of the input, as a box in pixels of the image."""
        left, top, right, bottom = self.box
        sx, sy = (right - left) / self.x.shape[3], (bottom - top) / self.x.shape[2]
        return left + box[0] * sx, top + box[1] * sy, left + box[2] * sx, top + box[3] * sy


def decode(data: bytes) -> Image.Image:
    """Any accepted file → an upright 8-bit RGB image; transparency on white, 16 bits scaled to 8.

    Raises UnreadableImage.
    """
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        image.load()  # a TIFF is turned by this already
        turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
        return _rgb(image if turn is None else image.transpose(turn))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadableImage("The image cannot be decoded.") from error


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        return _from_deep(image)
    if "A" in image.getbands() or "transparency" in image.info:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")


def _from_deep(image: Image.Image) -> Image.Image:
    """16 bits, 32 bits or floats → 8 bits, by the range that the values are in."""
    values = np.nan_to_num(np.asarray(image).astype(np.float64), nan=0, posinf=0, neginf=0)
    largest = float(values.max(initial=0))
    if image.mode.startswith("I;16"):
        full = 65535.0
    else:
        full = next((full for full in (1.0, 255.0, 65535.0) if largest <= full), largest)
    return Image.fromarray(
        (values / full * 255).clip(0, 255).round().astype(np.uint8), "L"
    ).convert("RGB")


def _pixels(image: Image.Image) -> Tensor:
    array = np.asarray(image, dtype=np.float32) / 255  # (H, W, C), or (H, W) of grey
    array = array.reshape(*array.shape[:2], -1)
    return torch.from_numpy(array).permute(2, 0, 1)[None].contiguous()
