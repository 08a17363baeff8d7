"""Baselines: images without information, which patches, masks and integration paths show."""

from collections.abc import Sequence
from math import ceil

import torch
from torch import Tensor
from torch.nn import functional as F


def baseline_image(
    kind: str, x: Tensor, mean: Sequence[float], std: Sequence[float], sigma: float
) -> Tensor:
    """Return a baseline (C, H, W) for x (1, C, H, W), in the network's units.

    The kind is `gray`, `mean`, `black` or `white`, or `blur` for x blurred with `sigma` pixels.
    """
    if kind == "blur":
        return blur(x, sigma)[0]
    level = {"gray": 0.5, "black": 0.0, "white": 1.0}.get(kind)
    colors = [0.0 if level is None else (level - m) / s for m, s in zip(mean, std, strict=True)]
    return torch.tensor(colors, device=x.device)[:, None, None].expand_as(x[0])


def blur(x: Tensor, sigma: float) -> Tensor:
    """Blur images (B, C, H, W) with a Gaussian; the border is repeated."""
    radius = max(1, min(ceil(3 * sigma), min(x.shape[2:]) - 1))
    offsets = torch.arange(-radius, radius + 1, device=x.device, dtype=x.dtype)
    kernel = (-0.5 * (offsets / sigma) ** 2).exp()
    kernel = (kernel / kernel.sum()).repeat(x.shape[1], 1)
    padded = F.pad(x, (radius,) * 4, mode="replicate")
    rows = F.conv2d(padded, kernel[:, None, :, None], groups=x.shape[1])
    return F.conv2d(rows, kernel[:, None, None, :], groups=x.shape[1])
