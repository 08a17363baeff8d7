"""TF32, and the inputs with which rounding is measured.

GPUs since Ampere may round what convolutions and matrix products read to ten bits, and are faster
then. torch's own default allows it for convolutions. Ten bits round by up to 5e-4; the error of
folding batch norms is held below 1e-5.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn import functional as F

# Cells across the image: large shapes, parts, details.
_GRAINS = (5, 12, 40)


def set_tf32(allowed: bool) -> None:
    """Allow or forbid TF32 for the whole process.

    A context would not do: backward passes run in threads of their own, after it has ended.
    """
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = allowed


@contextmanager
def without_tf32() -> Iterator[None]:
    """Forbid TF32 for forward passes in the context; nothing else may compute meanwhile."""
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    set_tf32(False)
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before


def probe_inputs(shape: tuple[int, int, int]) -> Tensor:
    """Return two inputs (2, C, H, W) in the units of a normalized photograph.

    The first is noise. The second has shapes of several sizes, as a photograph has.
    """
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(1, *shape, generator=generator)
    fields = [torch.randn(1, shape[0], grain, grain, generator=generator) for grain in _GRAINS]
    shapes = sum(
        F.interpolate(field, shape[1:], mode="bilinear", align_corners=False) for field in fields
    )
    return torch.cat([noise, torch.as_tensor(shapes) / len(_GRAINS) ** 0.5])
