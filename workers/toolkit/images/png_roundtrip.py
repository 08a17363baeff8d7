"""What the network sees of a picture once it is a file: 8 bits, resized by Pillow, cut; with a gradient."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from workers.toolkit.images.picture import to_image
from workers.toolkit.images.preprocessing import Preprocessing


def png_roundtrip(preprocessing: Preprocessing, picture: Tensor) -> Tensor:
    """(1, C, H, W) in 0..1 → the network's input (1, C, crop, crop), to the last bit that of the saved PNG.

    The two roundings, of the file and of the resized image, have no slope. The gradient is that of the same filter
    without them (straight through: Bengio, Léonard & Courville 2013).
    """
    seen: Tensor = _SavedView.apply(picture, preprocessing)
    return seen


def resize_differentiably(preprocessing: Preprocessing, picture: Tensor) -> Tensor:
    """(B, C, H, W) in 0..1 → the network's input without any rounding: torch's form of Pillow's filter."""
    height, width = picture.shape[2:]
    wide, high = preprocessing.resized_size(width, height)
    if (wide, high) != (width, height):
        picture = F.interpolate(
            picture,
            (high, wide),
            mode=preprocessing.interpolation,
            align_corners=False,
            antialias=True,
        )
    left, top = preprocessing.corner(wide, high)
    return preprocessing.normalize(
        F.pad(
            picture,
            (-left, left + preprocessing.crop - wide, -top, top + preprocessing.crop - high),
        )
    )


class _SavedView(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, picture: Tensor, preprocessing: Preprocessing) -> Tensor:
        ctx.preprocessing, ctx.like = preprocessing, torch.empty_like(picture, device="meta")
        return preprocessing.prepare(to_image(picture)).x.to(picture)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        with torch.enable_grad():
            anywhere = torch.zeros(
                ctx.like.shape, dtype=ctx.like.dtype, device=gradients[0].device
            ).requires_grad_()
            seen = resize_differentiably(
                ctx.preprocessing, anywhere
            )  # affine, so that its slope is the same everywhere
        return torch.autograd.grad(seen, anywhere, gradients[0])[0], None
