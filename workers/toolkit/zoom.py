"""A picture that comes nearer, and the animation of its frames."""

import io
from collections.abc import Sequence

from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from workers.toolkit.context import Context

_QUALITY = 90


def zoomed(picture: Tensor, factor: float) -> Tensor:
    """The middle of (B, C, H, W), `factor` times as large, at the picture's size; in 0..1."""
    matrix = picture.new_tensor([[1 / factor, 0, 0], [0, 1 / factor, 0]]).expand(len(picture), 2, 3)
    grid = F.affine_grid(matrix, list(picture.shape), align_corners=False)
    nearer = F.grid_sample(picture, grid, mode="bicubic", padding_mode="border", align_corners=False)
    return nearer.clamp(0, 1)


def save_animation(context: Context, name: str, frames: Sequence[Image.Image], frame_ms: int) -> None:
    """Leave a WebP that shows the frames for ever."""
    buffer = io.BytesIO()
    frames[0].save(
        buffer, "WEBP", save_all=True, append_images=frames[1:], duration=frame_ms, loop=0, quality=_QUALITY, method=2
    )
    context.save(name, buffer.getvalue(), "image/webp")
