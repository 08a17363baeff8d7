"""Pictures in the units of the first papers: 0 to 255, less the training mean."""

import torch
from torch import Tensor

from workers.toolkit.view import Eye

LEVELS = 255.0


class Centred:
    """x = 255 · (picture − mean), free to leave 0..1."""

    def __init__(self, start: Tensor, eye: Eye) -> None:
        self._eye = eye
        self.parameters = [start.detach().clone(memory_format=torch.contiguous_format).requires_grad_()]

    @staticmethod
    def of(picture: Tensor, eye: Eye) -> Tensor:
        """The picture (B, C, H, W), 0..1, in these units."""
        return LEVELS * (picture - _mean(eye, picture))

    def picture(self) -> Tensor:
        (x,) = self.parameters
        return x / LEVELS + _mean(self._eye, x)


def _mean(eye: Eye, like: Tensor) -> Tensor:
    """(C, 1, 1)"""
    return torch.tensor(eye.mean).to(like)[:, None, None]
