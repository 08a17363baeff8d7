"""What an image that is made pays for, in the published forms: (B, C, H, W) → one number per image (B,)."""

from torch import Tensor
from torch.nn import functional as F


def squared_norm(x: Tensor) -> Tensor:
    """‖x‖² (Simonyan et al. 2014)."""
    return x.square().flatten(1).sum(1)


def alpha_norm(x: Tensor, alpha: float) -> Tensor:
    """Σ |x|^α (Mahendran & Vedaldi 2015, eq. 5)."""
    return x.abs().pow(alpha).flatten(1).sum(1)


def total_variation(x: Tensor, beta: float = 2.0) -> Tensor:
    """Σ ((x[i, j+1] − x[i, j])² + (x[i+1, j] − x[i, j])²)^(β/2) (Mahendran & Vedaldi 2015, eq. 6).

    Beyond the border the image is repeated.
    """
    across = F.pad(x[..., :, 1:] - x[..., :, :-1], (0, 1, 0, 0))
    down = F.pad(x[..., 1:, :] - x[..., :-1, :], (0, 0, 0, 1))
    squares = across.square() + down.square()
    if beta != 2:
        squares = (squares + 1e-12).pow(beta / 2)  # the root has no slope at zero
    return squares.flatten(1).sum(1)
