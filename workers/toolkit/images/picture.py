"""Conversion between tensors in 0..1 and 8-bit images; padding and cropping."""

from math import ceil, sqrt

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F


def to_levels(picture: Tensor) -> Tensor:
    """Round values in 0..1 to 8 bits."""
    return (picture.detach().clamp(0, 1) * 255).round().to(torch.uint8)


def from_levels(rounded: Tensor) -> Tensor:
    """Convert 8-bit values to 0..1."""
    return rounded.to(torch.float32) / 255


def to_image(picture: Tensor) -> Image.Image:
    """Convert a picture (B, C, H, W), in 0..1 or in 8 bits, to an RGB or grey image.

    Several pictures are laid out in a grid.
    """
    rounded = picture if picture.dtype == torch.uint8 else to_levels(picture)
    arrays = rounded.permute(0, 2, 3, 1).cpu().numpy()
    images = [Image.fromarray(one[..., 0] if one.shape[2] == 1 else one) for one in arrays]
    if len(images) == 1:
        return images[0]
    columns = ceil(sqrt(len(images)))
    width, height = images[0].size
    grid = Image.new(images[0].mode, (columns * width, ceil(len(images) / columns) * height))
    for i, image in enumerate(images):
        grid.paste(image, (i % columns * width, i // columns * height))
    return grid


def from_image(image: Image.Image, channels: int = 3) -> Tensor:
    """Convert an image to a picture (1, C, H, W) in 0..1, in grey if it has one channel."""
    array = np.asarray(image.convert("RGB" if channels == 3 else "L"), dtype=np.float32) / 255
    pixels = torch.from_numpy(array.reshape(image.height, image.width, channels))
    return pixels.permute(2, 0, 1)[None].contiguous()


def quantized(picture: Tensor) -> Tensor:
    """Return the picture as it is read back from an 8-bit file."""
    return from_levels(to_levels(picture)).to(picture.dtype)


def pad_by_reflection(picture: Tensor, width: int) -> Tensor:
    """Mirror a picture at its edges: (B, C, H, W) → (B, C, H + 2 · width, W + 2 · width)."""
    return F.pad(picture, (width,) * 4, mode="reflect") if width else picture


def crop_padding(picture: Tensor, width: int) -> Tensor:
    """Remove the padding that pad_by_reflection added."""
    return centre(picture, picture.shape[-2] - 2 * width, picture.shape[-1] - 2 * width)


def centre(picture: Tensor, height: int, width: int) -> Tensor:
    """Crop the middle of a picture: (…, H, W) → (…, height, width)."""
    top, left = (picture.shape[-2] - height) // 2, (picture.shape[-1] - width) // 2
    return picture[..., top : top + height, left : left + width]
