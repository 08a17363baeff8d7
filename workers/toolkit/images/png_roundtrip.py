"""The network's input for a picture once it is saved as a file, with a gradient."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from workers.toolkit.images.picture import to_image
from workers.toolkit.images.preprocessing import Preprocessing


def png_roundtrip(preprocessing: Preprocessing, picture: Tensor) -> Tensor:
    """Return the network's input (1, C, crop, crop) for the saved PNG, equal to the last bit.

    The picture (1, C, H, W) in 0..1 is rounded to 8 bits, resized by Pillow and cropped. Neither
    of the two roundings, of the file and of the resized image, has a slope. The gradient is that
    of the same filter without them (straight through: Bengio, Léonard & Courville 2013).
    """
    x: Tensor = _PngRoundtrip.apply(picture, preprocessing)
    return x


def resize_differentiably(preprocessing: Preprocessing, picture: Tensor) -> Tensor:
    """Return the network's input for a picture (B, C, H, W) in 0..1 without any rounding.

    torch's interpolation replaces Pillow's filter.
    """
    height, width = picture.shape[2:]
    wide, high = preprocessing.resized_size(width, height)
    if (wide, high) != (width, height):
        mode = preprocessing.interpolation
        picture = F.interpolate(
            picture, (high, wide), mode=mode, align_corners=False, antialias=True
        )
    left, top = preprocessing.corner(wide, high)
    right, bottom = left + preprocessing.crop - wide, top + preprocessing.crop - high
    return preprocessing.normalize(F.pad(picture, (-left, right, -top, bottom)))


class _PngRoundtrip(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, picture: Tensor, preprocessing: Preprocessing) -> Tensor:
        ctx.preprocessing, ctx.like = preprocessing, torch.empty_like(picture, device="meta")
        return preprocessing.prepare(to_image(picture)).x.to(picture)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        with torch.enable_grad():
            # The map is affine, so that its slope is the same everywhere.
            anywhere = torch.zeros(
                ctx.like.shape, dtype=ctx.like.dtype, device=gradients[0].device
            ).requires_grad_()
            x = resize_differentiably(ctx.preprocessing, anywhere)
        return torch.autograd.grad(x, anywhere, gradients[0])[0], None
