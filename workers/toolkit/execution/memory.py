"""Batches that shrink when memory runs out, and only then."""

from collections.abc import Callable
from typing import Generic, TypeVar

import torch
from torch import Tensor

from workers.toolkit.errors import OutOfMemory

T = TypeVar("T")

# What torch says where it has no class for it: its allocator on CPU, the C++ library.
_SAID = ("DefaultCPUAllocator", "not enough memory", "std::bad_alloc")


def out_of_memory(error: BaseException) -> bool:
    """Is that what it means, on whatever device?"""
    if isinstance(error, OutOfMemory | torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _SAID)


class Pieces(Generic[T]):
    """A function of a batch (B, …), called with as many images at a time as fit.

    `most` is how many there can be at first. A size that did not fit is not tried again. Calling it returns one result
    per piece, in order; it raises OutOfMemory where not even one image fits. torch gives its own unused blocks back
    before it raises, so nothing is emptied here.
    """

    def __init__(self, function: Callable[[Tensor], T], most: int | None = None) -> None:
        self._function = function
        self._most = most

    def __call__(self, batch: Tensor) -> list[T]:
        results: list[T] = []
        start = 0
        while start < len(batch):
            piece = batch[start:] if self._most is None else batch[start : start + self._most]
            tried = self._tried(piece)
            if tried is None:
                self._most = self._half(piece)
            else:
                results.append(tried[0])
                start += len(piece)
        return results

    def _tried(self, piece: Tensor) -> tuple[T] | None:
        """The result, or None. The next try begins outside: here the error's frames still hold what they made."""
        try:
            return (self._function(piece),)
        except Exception as error:
            if not out_of_memory(error):
                raise
        return None

    @staticmethod
    def _half(piece: Tensor) -> int:
        if len(piece) > 1:
            return len(piece) // 2
        size = " × ".join(str(side) for side in reversed(piece.shape[2:]))
        of = f" of {size} pixels" if size else ""
        raise OutOfMemory(f"Not even one image{of} fits into the memory of the worker's device.")


def fitting(
    function: Callable[[Tensor], Tensor], most: int | None = None
) -> Callable[[Tensor], Tensor]:
    """The function (B, …) → (B, …), which works image by image, in pieces where the batch does not fit.

    On a CPU nothing is raised where memory runs out, the process is killed: `most` says what can be tried.
    """
    pieces = Pieces(function, most)

    def whole(batch: Tensor) -> Tensor:
        results = pieces(batch)
        return results[0] if len(results) == 1 else torch.cat(results)

    return whole
