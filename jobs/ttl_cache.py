"""What was found out a moment ago, in this process."""

import time
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

_MOST = 1_000


class TTLCache(Generic[Key, Value]):
    """Holds each value for `seconds` after it was put. Threads may share it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._held: dict[Key, tuple[float, Value]] = {}

    def get(self, key: Key) -> Value | None:
        at, value = self._held.get(key, (0.0, None))
        return value if value is not None and time.monotonic() - at < self._seconds else None

    def put(self, key: Key, value: Value) -> None:
        now = time.monotonic()
        if len(self._held) >= _MOST:
            fresh = {
                one: held for one, held in list(self._held.items()) if now - held[0] < self._seconds
            }
            self._held = fresh if len(fresh) < _MOST else {}  # what is lost is asked for again
        self._held[key] = (now, value)
