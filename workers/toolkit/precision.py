"""TF32: GPUs since Ampere may round what convolutions and matrix products read to ten bits, and are faster then.

torch's own default allows it for convolutions. Ten bits round by up to 5e-4; folding batch norms is held to 1e-5.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


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
