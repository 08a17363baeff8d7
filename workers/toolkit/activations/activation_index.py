"""For every channel of one layer, the images of a set that activate it most: one maximum per image.

Girshick et al. 2014; Zeiler & Fergus 2014. Images are numbered by their place in the set.
"""

import io
from dataclasses import dataclass
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

TOP = 64  # images kept per channel

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]


@dataclass(frozen=True)
class ActivationIndex:
    """The first `covered` images of a set; rows are channels, best image first, as many as there are up to TOP."""

    covered: int
    made_by: str  # digest of what the activations depend on besides the weights
    total: NDArray[np.float64]  # (C,) sum of all maxima
    values: Floats  # (C, N)
    images: Integers  # (C, N)
    places: Integers  # (C, N, 2): y, x of the maximum in the layer's map; 0, 0 where the layer has no map

    @classmethod
    def empty(cls, channels: int, made_by: str) -> "ActivationIndex":
        shape = (channels, 0)
        places = np.empty((*shape, 2), np.int32)
        return cls(
            0,
            made_by,
            np.zeros(channels),
            np.empty(shape, np.float32),
            np.empty(shape, np.int32),
            places,
        )

    @classmethod
    def read(cls, data: bytes) -> "ActivationIndex | None":
        """From `write`; None if the bytes are something else, or damaged."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                return cls(
                    int(file["covered"]),
                    str(file["made_by"]),
                    *(file[name] for name in ("total", "values", "images", "places")),
                )
        except (ValueError, KeyError, OSError, EOFError, BadZipFile):
            return None

    def write(self) -> bytes:
        buffer = io.BytesIO()
        np.savez(buffer, **vars(self))
        return buffer.getvalue()

    @property
    def channels(self) -> int:
        return len(self.values)

    @property
    def mean(self) -> NDArray[np.float64]:
        """(C,) mean of the maxima over all images."""
        return self.total / max(self.covered, 1)

    def extended(self, values: Floats, places: Integers) -> "ActivationIndex":
        """With the maxima of the next B images: values (B, C), places (B, C, 2). Of equal values the earlier wins."""
        batch, channels = values.shape
        numbers = np.arange(self.covered, self.covered + batch, dtype=np.int32)
        candidates = np.concatenate([self.values, values.T], axis=1)  # (C, N + B)
        best = np.argsort(-candidates, axis=1, kind="stable")[:, :TOP]
        images = np.concatenate([self.images, np.broadcast_to(numbers, (channels, batch))], axis=1)
        spots = np.concatenate([self.places, places.transpose(1, 0, 2)], axis=1)
        return ActivationIndex(
            self.covered + batch,
            self.made_by,
            self.total + values.sum(axis=0, dtype=np.float64),
            np.take_along_axis(candidates, best, axis=1),
            np.take_along_axis(images, best, axis=1),
            np.take_along_axis(spots, best[..., None], axis=1),
        )


def maxima(output: Tensor) -> tuple[Floats, Integers]:
    """The largest value of each channel and its place: (B, C) or (B, C, H, W) → (B, C) and (B, C, 2)."""
    if output.ndim == 2:
        values = output.float().cpu().numpy()
        return values, np.zeros((*values.shape, 2), np.int32)
    value, index = output.flatten(2).max(dim=2)
    y, x = np.divmod(index.cpu().numpy(), output.shape[3])
    return value.float().cpu().numpy(), np.stack([y, x], axis=2).astype(np.int32)
