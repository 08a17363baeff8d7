"""The difference of two images of one size: its norms, and a picture of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Percentile of the changed values that is shown in full.
_TAIL = 99.0


@dataclass(frozen=True)
class Perturbation:
    """The difference of two 8-bit images in levels, (H, W, C)."""

    levels: NDArray[np.int16]

    @classmethod
    def between(cls, before: Image.Image, after: Image.Image) -> "Perturbation":
        """Return the perturbation that makes one image of the other."""
        first, second = (np.asarray(image, dtype=np.int16) for image in (before, after))
        return cls((second - first).reshape(*first.shape[:2], -1))

    @property
    def l0(self) -> int:
        """The number of pixels of which any channel is changed."""
        return int(self.levels.any(axis=2).sum())

    @property
    def l2(self) -> float:
        """The norm √Σδ² over all values, each in 0..1."""
        return float(np.sqrt(np.square(self.levels.astype(np.float64) / 255).sum()))

    @property
    def linf_levels(self) -> int:
        """The largest change of any value, in levels."""
        return int(np.abs(self.levels).max(initial=0))

    @property
    def amplification(self) -> float:
        """The largest factor with which nearly every change fits on both sides of mid-grey."""
        changed = np.abs(self.levels[self.levels != 0])
        if not changed.size:
            return 1.0
        return round(max(127 / float(np.percentile(changed, _TAIL)), 1.0), 2)

    def picture(self) -> Image.Image:
        """Return a picture of the amplified change on mid-grey."""
        shown = (self.levels * self.amplification + 128).round().clip(0, 255).astype(np.uint8)
        return Image.fromarray(shown[..., 0] if shown.shape[2] == 1 else shown)
