"""Luminance apart from colour: reading it, matching it, and optimizing it alone."""

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


class LuminanceOnly:
    """A picture whose luminance is optimized.

    Its I and Q are those of `colours` (1, C, H, W).
    """

    def __init__(self, start: Tensor, colours: Tensor) -> None:
        self._rest = colours - luminance(colours)
        grey = luminance(start).detach().clone(memory_format=torch.contiguous_format)
        self.parameters = [grey.requires_grad_()]  # (1, 1, H, W)

    def picture(self) -> Tensor:
        """Return the picture (1, C, H, W)."""
        return self.parameters[0] + self._rest
