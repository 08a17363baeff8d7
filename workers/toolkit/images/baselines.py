"""Images that say nothing: what an occluding patch shows, and where integrated gradients begin."""

from collections.abc import Sequence
from math import ceil

import torch
from torch import Tensor
from torch.nn import functional as F


def baseline_image(
    kind: str, x: Tensor, mean: Sequence[float], std: Sequence[float], sigma: float
) -> Tensor:
    """In the network's units, (C, H, W): gray, mean, black, white, or `blur`: x (1, C, H, W) blurred."""
    if kind == "blur":
        return blur(x, sigma)[0]
    level = {"gray": 0.5, "black": 0.0, "white": 1.0}.get(kind)
    colors = [0.0 if level is None else (level - m) / s for m, s in zip(mean, std, strict=True)]
    return torch.tensor(colors, device=x.device)[:, None, None].expand_as(x[0])


def blur(x: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of (B, C, H, W), the border repeated."""
    radius = max(1, min(ceil(3 * sigma), min(x.shape[2:]) - 1))
    offsets = torch.arange(-radius, radius + 1, device=x.device, dtype=x.dtype)
    kernel = (-0.5 * (offsets / sigma) ** 2).exp()
    kernel = (kernel / kernel.sum()).repeat(x.shape[1], 1)
    padded = F.pad(x, (radius,) * 4, mode="replicate")
    rows = F.conv2d(padded, kernel[:, None, :, None], groups=x.shape[1])
    return F.conv2d(rows, kernel[:, None, None, :], groups=x.shape[1])
