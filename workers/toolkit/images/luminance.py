"""Luminance: how it is computed, and how one picture takes that of another."""

import torch
from torch import Tensor

_WEIGHTS = torch.tensor([0.299, 0.587, 0.114])  # Y of YIQ, ITU-R BT.601


def luminance(picture: Tensor) -> Tensor:
    """Return the luminance of pictures: (B, C, H, W) → (B, 1, H, W)."""
    if picture.shape[1] != 3:
        return picture
    grey: Tensor = torch.einsum("c,bchw->bhw", _WEIGHTS.to(picture), picture)
    return grey[:, None]


def match_luminance(grey: Tensor, like: Tensor) -> Tensor:
    """Give a luminance the mean and the standard deviation of another.

    Gatys et al. 2016, equation 2.
    """
    spread = grey.std(correction=0).clamp(min=1e-6)
    return (grey - grey.mean()) * (like.std(correction=0) / spread) + like.mean()
