"""How often something that costs time may happen."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

_SHARE = 10


class Throttle:
    """Due every `every_s` seconds, and never for more than a tenth of the time."""

    def __init__(self, every_s: float, *, at_once: bool) -> None:
        self._every_s = every_s
        self._next = time.monotonic() + (0 if at_once else every_s)

    @property
    def due(self) -> bool:
        return time.monotonic() >= self._next

    @contextmanager
    def measured(self) -> Iterator[None]:
        """What happens in here counts, even when it fails."""
        began = time.monotonic()
        try:
            yield
        finally:
            ended = time.monotonic()
            self._next = ended + max(self._every_s, _SHARE * (ended - began))
