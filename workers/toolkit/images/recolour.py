"""Recolouring: the least change that gives a picture another mean and covariance."""

import torch
from torch import Tensor

# Added to the picture's variances: a picture of one colour has none.
_GRAIN = 1e-4


def match_colours(picture: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
    """Recolour a picture (1, C, H, W) in 0..1 to the mean (C,) and the covariance (C, C).

    The result is cut off at 0 and 1. The map is the linear one of optimal transport between
    Gaussians (Pitié & Kokaram 2007).
    """
    pixels = picture[0].flatten(1).double()  # (C, N)
    own_mean = pixels.mean(1, keepdim=True)
    own = torch.cov(pixels, correction=0).reshape(len(pixels), -1)
    own = own + _GRAIN * torch.eye(len(pixels)).to(own)
    root, inverse = _power(own, 0.5), _power(own, -0.5)
    linear = inverse @ _power(root @ covariance.double() @ root, 0.5) @ inverse
    moved = linear @ (pixels - own_mean) + mean.double()[:, None]
    return moved.reshape(picture.shape).to(picture).clamp(0, 1)


def _power(matrix: Tensor, exponent: float) -> Tensor:
    """Return a power of a symmetric matrix without negative eigenvalues."""
    values, vectors = torch.linalg.eigh((matrix + matrix.T) / 2)
    raised: Tensor = vectors * values.clamp(min=1e-12).pow(exponent) @ vectors.T
    return raised
