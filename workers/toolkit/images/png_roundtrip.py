"""What the network sees of a picture once it is a file: 8 bits, resized by Pillow, cut; with a gradient."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from workers.toolkit.images.picture import to_image
from workers.toolkit.images.preprocessing import Eye


def saved_view(eye: Eye, picture: Tensor) -> Tensor:
    """(1, C, H, W) in 0..1 → the network's input (1, C, crop, crop), to the last bit that of the saved PNG.

    The two roundings, of the file and of the resized image, have no slope. The gradient is that of the same filter
    without them (straight through: Bengio, Léonard & Courville 2013).
    """
    seen: Tensor = _SavedView.apply(picture, eye)
    return seen


def smooth_view(eye: Eye, picture: Tensor) -> Tensor:
    """(B, C, H, W) in 0..1 → the network's input without any rounding: torch's form of Pillow's filter."""
    height, width = picture.shape[2:]
    wide, high = eye.resized_size(width, height)
    if (wide, high) != (width, height):
        picture = F.interpolate(
            picture, (high, wide), mode=eye.interpolation, align_corners=False, antialias=True
        )
    left, top = eye.corner(wide, high)
    return eye.normalize(
        F.pad(picture, (-left, left + eye.crop - wide, -top, top + eye.crop - high))
    )


class _SavedView(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, picture: Tensor, eye: Eye) -> Tensor:
        ctx.eye, ctx.like = eye, torch.empty_like(picture, device="meta")
        return eye.view(to_image(picture)).x.to(picture)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        with torch.enable_grad():
            anywhere = torch.zeros(
                ctx.like.shape, dtype=ctx.like.dtype, device=gradients[0].device
            ).requires_grad_()
            seen = smooth_view(
                ctx.eye, anywhere
            )  # affine, so that its slope is the same everywhere
        return torch.autograd.grad(seen, anywhere, gradients[0])[0], None
