"""The part of one axis that a change reaches, exactly, through any sliding window.

Spans are half-open: [first, end).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Spans = NDArray[np.int64]
"""(N, 2): first and end of each span; both 0 where nothing changes."""


@dataclass(frozen=True)
class Taps:
    """The inputs that a sliding window reads along one axis.

    Output o reads the inputs o·stride − before + i·dilation, for i < kernel.
    """

    kernel: int
    stride: int
    before: int
    dilation: int
    outputs: int

    @property
    def reach(self) -> int:
        """The distance from the first input that an output reads to the last."""
        return (self.kernel - 1) * self.dilation

    def after(self, inputs: int) -> int:
        """Return the padding behind the last input that the last output reads."""
        return max(0, (self.outputs - 1) * self.stride + self.reach + 1 - inputs - self.before)

    def dirty(self, spans: Spans) -> Spans:
        """Return the outputs that read any changed input.

        With dilation, the outputs between them are included.
        """
        first = -((self.reach - spans[:, 0] - self.before) // self.stride)  # rounded up
        end = (spans[:, 1] - 1 + self.before) // self.stride + 1
        return _within(first, end, self.outputs, spans[:, 0] >= spans[:, 1])


@dataclass(frozen=True)
class Windows:
    """One stretch of an axis per position of a batch, all of one size and within the axis."""

    starts: NDArray[np.int64]  # (n,)
    size: int

    def same(self, other: "Windows") -> bool:
        """Return whether the other windows lie at the same places."""
        return self.size == other.size and bool((self.starts == other.starts).all())

    def shifted(self, by: int) -> "Windows":
        """Return the windows moved along the axis."""
        return Windows(self.starts + by, self.size)


def windows(spans: Spans, extent: int) -> Windows:
    """Return windows of the smallest size that holds every span.

    A window that would leave the axis is moved inwards.
    """
    size = max(1, int((spans[:, 1] - spans[:, 0]).max()))
    return Windows(np.minimum(spans[:, 0], extent - size), size)


def union(given: list[Spans]) -> Spans:
    """Return the spans that hold those of all inputs."""
    empty = [spans[:, 0] >= spans[:, 1] for spans in given]
    far = np.iinfo(np.int64).max
    firsts = [np.where(none, far, spans[:, 0]) for none, spans in zip(empty, given, strict=True)]
    first = np.min(firsts, axis=0)
    end = np.max([spans[:, 1] for spans in given], axis=0)
    return _within(first, end, int(end.max(initial=0)), np.logical_and.reduce(empty))


def _within(
    first: NDArray[np.int64], end: NDArray[np.int64], extent: int, empty: NDArray[np.bool_]
) -> Spans:
    first, end = np.clip(first, 0, extent), np.clip(end, 0, extent)
    none = empty | (first >= end)
    return np.stack([np.where(none, 0, first), np.where(none, 0, end)], axis=1)
