"""Waiting for something to become true, instead of sleeping and hoping."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(true: Callable[[], T], patience_s: float = 30) -> T:
    """Return the first truthy value. Fail the test after `patience_s`."""
    deadline = time.monotonic() + patience_s
    while True:
        value = true()
        if value:
            return value
        assert time.monotonic() < deadline, f"not true within {patience_s} s"
        time.sleep(0.02)
