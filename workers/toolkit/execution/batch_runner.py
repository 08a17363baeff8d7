"""One object that replays, splits, halves and runs the batches of a function."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor

from workers.toolkit.errors import OutOfMemory
from workers.toolkit.execution.device_memory import is_out_of_memory

T = TypeVar("T")


class Series(Protocol):
    """The results of one function in a replay log, batch by batch."""

    def recall(self, batch: Tensor) -> Tensor | None:
        """Return the result for the next batch if an earlier process computed it."""

    def record(self, batch: Tensor, results: Tensor) -> Tensor:
        """Record the function's results for the batch that was not recalled; return the result."""


class BatchRunner(Generic[T]):
    """Runs a function of a batch (B, …) that treats each image as if it were alone.

    `most` limits how many images the function gets at a time. When memory runs out, the runner
    halves that limit and keeps it: a size that did not fit is not tried again. On a CPU nothing
    is raised when memory runs out, the process is killed, so `most` must say what can be tried.

    With a `series`, results that an earlier process computed are replayed, and new ones recorded.
    """

    def __init__(
        self,
        function: Callable[[Tensor], T],
        most: int | None = None,
        series: Series | None = None,
    ) -> None:
        self._function = function
        self._most = most
        self._series = series

    def run(self: "BatchRunner[Tensor]", batch: Tensor) -> Tensor:
        """Return the result for the batch: (B, …), or what the series makes of it.

        Raises OutOfMemory.
        """
        if self._series is None:
            return self._whole(batch)
        known = self._series.recall(batch)
        return self._series.record(batch, self._whole(batch)) if known is None else known

    def run_pieces(self, batch: Tensor) -> list[T]:
        """Return one result per piece, in order, without replay.

        torch returns its own unused blocks before it raises, so no cache is emptied here.
        Raises OutOfMemory if not even one image fits.
        """
        results: list[T] = []
        start = 0
        while start < len(batch):
            piece = batch[start:] if self._most is None else batch[start : start + self._most]
            attempt = self._attempt(piece)
            if attempt is None:
                self._most = _half(piece)
            else:
                results.append(attempt[0])
                start += len(piece)
        return results

    def _whole(self: "BatchRunner[Tensor]", batch: Tensor) -> Tensor:
        results = self.run_pieces(batch)
        return results[0] if len(results) == 1 else torch.cat(results)

    def _attempt(self, piece: Tensor) -> tuple[T] | None:
        """Return the result in a tuple, or None if memory ran out.

        The caller makes the next attempt after this function has returned: until then the error
        holds the frames in which it was raised, and these hold the tensors made in them.
        """
        try:
            return (self._function(piece),)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        return None


def _half(piece: Tensor) -> int:
    if len(piece) > 1:
        return len(piece) // 2
    size = " × ".join(str(side) for side in reversed(piece.shape[2:]))
    of = f" of {size} pixels" if size else ""
    raise OutOfMemory(f"Not even one image{of} fits into the memory of the worker's device.")
