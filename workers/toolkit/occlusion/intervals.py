"""Which part of a map a change reaches, per axis: half-open spans [first, end), exact, through any sliding window."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Spans = NDArray[np.int64]  # (N, 2): first and end; both 0 where nothing changes


@dataclass(frozen=True)
class Taps:
    """A sliding window along one axis: output o reads inputs o·stride − before + i·dilation, i < kernel."""

    kernel: int
    stride: int
    before: int
    dilation: int
    outputs: int

    @property
    def reach(self) -> int:
        """From the first input that an output reads to the last."""
        return (self.kernel - 1) * self.dilation

    def after(self, inputs: int) -> int:
        """Padding behind the last of the inputs that the last output reads."""
        return max(0, (self.outputs - 1) * self.stride + self.reach + 1 - inputs - self.before)

    def dirty(self, spans: Spans) -> Spans:
        """The outputs that read any of the changed inputs; with dilation, those between them too."""
        first = -((self.reach - spans[:, 0] - self.before) // self.stride)  # rounded up
        end = (spans[:, 1] - 1 + self.before) // self.stride + 1
        return _within(first, end, self.outputs, spans[:, 0] >= spans[:, 1])


@dataclass(frozen=True)
class Windows:
    """One stretch of an axis for each position of a batch, all of one size, and each within the axis."""

    starts: Spans  # (n,)
    size: int

    def same(self, other: "Windows") -> bool:
        return self.size == other.size and bool((self.starts == other.starts).all())

    def shifted(self, by: int) -> "Windows":
        return Windows(self.starts + by, self.size)


def windows(spans: Spans, extent: int) -> Windows:
    """The smallest common size that holds every span, moved inwards where it would leave the axis."""
    size = max(1, int((spans[:, 1] - spans[:, 0]).max()))
    return Windows(np.minimum(spans[:, 0], extent - size), size)


def union(given: list[Spans]) -> Spans:
    """The spans that hold those of all inputs."""
    empty = [spans[:, 0] >= spans[:, 1] for spans in given]
    far = np.iinfo(np.int64).max
    first = np.min(
        [np.where(none, far, spans[:, 0]) for none, spans in zip(empty, given, strict=True)], axis=0
    )
    end = np.max([spans[:, 1] for spans in given], axis=0)
    return _within(first, end, int(end.max(initial=0)), np.logical_and.reduce(empty))


def _within(first: Spans, end: Spans, extent: int, empty: NDArray[np.bool_]) -> Spans:
    first, end = np.clip(first, 0, extent), np.clip(end, 0, extent)
    none = empty | (first >= end)
    return np.stack([np.where(none, 0, first), np.where(none, 0, end)], axis=1)
