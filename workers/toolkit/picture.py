"""Between tensors in 0..1 and 8-bit images."""

from math import ceil, sqrt

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def levels(picture: Tensor) -> Tensor:
    """In 0..1 → rounded to 8 bits."""
    return (picture.detach().clamp(0, 1) * 255).round().to(torch.uint8)


def from_levels(rounded: Tensor) -> Tensor:
    """In 8 bits → in 0..1."""
    return rounded.to(torch.float32) / 255


def to_image(picture: Tensor) -> Image.Image:
    """(B, C, H, W) in 0..1, or in 8 bits → RGB or grey; several side by side in a grid."""
    rounded = picture if picture.dtype == torch.uint8 else levels(picture)
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
    """RGB (or grey) → (1, C, H, W) in 0..1."""
    array = np.asarray(image.convert("RGB" if channels == 3 else "L"), dtype=np.float32) / 255
    return torch.from_numpy(array.reshape(image.height, image.width, channels)).permute(2, 0, 1)[None].contiguous()


def as_saved(picture: Tensor) -> Tensor:
    """The picture as an 8-bit file gives it back."""
    return from_levels(levels(picture)).to(picture.dtype)
