"""Throttle an expensive operation to at most 10 % of run time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

_PAUSE_PER_COST = 10


class Throttle:
    """A timer for an operation that may run every `every_s` seconds.

    If the operation is slow, the pauses grow to ten times its duration. With `at_once` it may run
    for the first time immediately.
    """

    def __init__(self, every_s: float, *, at_once: bool) -> None:
        self._every_s = every_s
        self._next = time.monotonic() + (0 if at_once else every_s)

    @property
    def due(self) -> bool:
        """Return whether the operation may run now."""
        return time.monotonic() >= self._next

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Measure the operation inside the `with` block, even if it fails."""
        began = time.monotonic()
        try:
            yield
        finally:
            ended = time.monotonic()
            self._next = ended + max(self._every_s, _PAUSE_PER_COST * (ended - began))
