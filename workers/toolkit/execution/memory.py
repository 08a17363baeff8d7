"""Old names of BatchRunner, for users that are not moved yet."""

from collections.abc import Callable
from typing import TypeVar

from torch import Tensor

from workers.toolkit.execution.batch_runner import BatchRunner

T = TypeVar("T")


class Pieces(BatchRunner[T]):
    """Delegate to BatchRunner."""

    def __call__(self, batch: Tensor) -> list[T]:
        """Return one result per piece."""
        return self.run_pieces(batch)


def fitting(
    function: Callable[[Tensor], Tensor], most: int | None = None
) -> Callable[[Tensor], Tensor]:
    """Delegate to BatchRunner."""
    return BatchRunner(function, most).run
