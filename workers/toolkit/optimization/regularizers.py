"""Regularizers in their published forms, one value per image: (B, C, H, W) → (B,)."""

from torch import Tensor
from torch.nn import functional as F


def squared_norm(x: Tensor) -> Tensor:
    """Return ‖x‖² (Simonyan et al. 2014)."""
    return x.square().flatten(1).sum(1)


def alpha_norm(x: Tensor, alpha: float) -> Tensor:
    """Return Σ |x|^α (Mahendran & Vedaldi 2015, eq. 5)."""
    return x.abs().pow(alpha).flatten(1).sum(1)


def total_variation(x: Tensor, beta: float = 2.0) -> Tensor:
    """Return Σ ((x[i, j+1] − x[i, j])² + (x[i+1, j] − x[i, j])²)^(β/2).

    Beyond the border the image is repeated (Mahendran & Vedaldi 2015, eq. 6).
    """
    across = F.pad(x[..., :, 1:] - x[..., :, :-1], (0, 1, 0, 0))
    down = F.pad(x[..., 1:, :] - x[..., :-1, :], (0, 0, 0, 1))
    squares = across.square() + down.square()
    if beta != 2:
        # Without the offset the root has an infinite slope at zero.
        squares = (squares + 1e-12).pow(beta / 2)
    return squares.flatten(1).sum(1)
