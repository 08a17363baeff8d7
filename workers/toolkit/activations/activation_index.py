"""The images of a set that activate each channel of a layer most, with one maximum per image.

Girshick et al. 2014; Zeiler & Fergus 2014. Images are numbered by their place in the set.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

# Images kept per channel.
TOP = 64

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]


@dataclass(frozen=True)
class ActivationIndex:
    """The best images of each channel among the first `covered` images of a set.

    Rows are channels, with the best image first and at most TOP of them (N). `made_by` is a
    digest of what the activations depend on besides the weights. `places` are y and x of the
    maximum in the layer's map, or 0, 0 if the layer has no map.
    """

    covered: int
    made_by: str
    values: Floats  # (C, N)
    images: Integers  # (C, N)
    places: Integers  # (C, N, 2)

    @classmethod
    def empty(cls, channels: int, made_by: str) -> "ActivationIndex":
        """Return an index that covers no image."""
        return cls(
            covered=0,
            made_by=made_by,
            values=np.empty((channels, 0), np.float32),
            images=np.empty((channels, 0), np.int32),
            places=np.empty((channels, 0, 2), np.int32),
        )

    @classmethod
    def read(cls, data: bytes) -> "ActivationIndex | None":
        """Read what `write` returned; return None if the bytes are something else or damaged."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                return cls(
                    int(file["covered"]),
                    str(file["made_by"]),
                    *(file[name] for name in ("values", "images", "places")),
                )
        except (ValueError, KeyError, OSError, EOFError, BadZipFile):
            return None

    def write(self) -> bytes:
        """Return the index as a file in numpy's format."""
        buffer = io.BytesIO()
        np.savez(buffer, **vars(self))
        return buffer.getvalue()

    @property
    def channels(self) -> int:
        """The number of channels of the layer."""
        return len(self.values)

    def extended(self, values: Floats, places: Integers) -> "ActivationIndex":
        """Return the index with the maxima of the next B images added.

        `values` is (B, C), and `places` is (B, C, 2). Of equal values, the earlier image wins.
        """
        batch, channels = values.shape
        numbers = np.arange(self.covered, self.covered + batch, dtype=np.int32)
        candidates = np.concatenate([self.values, values.T], axis=1)  # (C, N + B)
        best = np.argsort(-candidates, axis=1, kind="stable")[:, :TOP]
        images = np.concatenate([self.images, np.broadcast_to(numbers, (channels, batch))], axis=1)
        all_places = np.concatenate([self.places, places.transpose(1, 0, 2)], axis=1)
        return ActivationIndex(
            self.covered + batch,
            self.made_by,
            np.take_along_axis(candidates, best, axis=1),
            np.take_along_axis(images, best, axis=1),
            np.take_along_axis(all_places, best[..., None], axis=1),
        )

    def without(self, images: Sequence[int]) -> "ActivationIndex":
        """Return the index without some of the images that it covers.

        Each row is shorter by their number.
        """
        kept = self.values.shape[1] - len(images)
        order = np.argsort(np.isin(self.images, images), axis=1, kind="stable")[:, :kept]
        return replace(
            self,
            values=np.take_along_axis(self.values, order, axis=1),
            images=np.take_along_axis(self.images, order, axis=1),
            places=np.take_along_axis(self.places, order[..., None], axis=1),
        )


def maxima(output: Tensor) -> tuple[Floats, Integers]:
    """Return the largest value of each channel and its place.

    The output (B, C) or (B, C, H, W) gives values (B, C) and places (B, C, 2).
    """
    if output.ndim == 2:
        values = output.float().cpu().numpy()
        return values, np.zeros((*values.shape, 2), np.int32)
    value, index = output.flatten(2).max(dim=2)
    y, x = np.divmod(index.cpu().numpy(), output.shape[3])
    return value.float().cpu().numpy(), np.stack([y, x], axis=2).astype(np.int32)
