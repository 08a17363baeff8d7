"""TF32: GPUs since Ampere may round what convolutions and matrix products read to ten bits, and are faster then.

torch's own default allows it for convolutions. Ten bits round by up to 5e-4; folding batch norms is held to 1e-5.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn import functional as F


def set_tf32(allowed: bool) -> None:
    """For the whole process: backward passes run in threads of their own, after any context has ended."""
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = allowed


@contextmanager
def without_tf32() -> Iterator[None]:
    """Forward passes in here round nothing; nothing else may run at the same time."""
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    set_tf32(False)
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before


_GRAINS = (5, 12, 40)  # cells across: large shapes, parts, details


def probe_inputs(shape: tuple[int, int, int]) -> Tensor:
    """(2, C, H, W) in the units of a normalized photograph: noise, and shapes of several sizes as one has."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(1, *shape, generator=generator)
    fields = [torch.randn(1, shape[0], grain, grain, generator=generator) for grain in _GRAINS]
    shapes = sum(
        F.interpolate(field, shape[1:], mode="bilinear", align_corners=False) for field in fields
    )
    return torch.cat([noise, torch.as_tensor(shapes) / len(_GRAINS) ** 0.5])
