"""Inputs on which a model can be compared with another form of itself, always the same ones."""

import torch
from torch import Tensor
from torch.nn import functional as F

_GRAINS = (5, 12, 40)  # cells across: large shapes, parts, details


def samples(shape: tuple[int, int, int]) -> Tensor:
    """(2, C, H, W) in the units of a normalized photograph: noise, and shapes of several sizes as one has."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(1, *shape, generator=generator)
    fields = [torch.randn(1, shape[0], grain, grain, generator=generator) for grain in _GRAINS]
    shapes = sum(F.interpolate(field, shape[1:], mode="bilinear", align_corners=False) for field in fields)
    return torch.cat([noise, torch.as_tensor(shapes) / len(_GRAINS) ** 0.5])
