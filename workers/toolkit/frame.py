"""A frame around a picture, painted with it and cut off at the end.

Near the edges a network sees its own padding. An optimization that minds statistics of the whole map pays for that in
the outermost rows, as a stripe; with a frame these rows are not part of the picture.
"""

from torch import Tensor
from torch.nn import functional as F


def framed(picture: Tensor, width: int) -> Tensor:
    """(B, C, H, W) → (B, C, H + 2 · width, W + 2 · width), mirrored at the edges."""
    return F.pad(picture, (width,) * 4, mode="reflect") if width else picture


def unframed(picture: Tensor, width: int) -> Tensor:
    """What `framed` began with."""
    return centre(picture, picture.shape[-2] - 2 * width, picture.shape[-1] - 2 * width)


def centre(picture: Tensor, height: int, width: int) -> Tensor:
    """(…, H, W) → (…, height, width), cut out of the middle."""
    top, left = (picture.shape[-2] - height) // 2, (picture.shape[-1] - width) // 2
    return picture[..., top : top + height, left : left + width]
