"""Answers without an end, when the server is told to stop: it waits for them before it tells the application."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def on_shutdown(end: Callable[[], None]) -> Iterator[None]:
    """Call `end` in the running loop at SIGINT or SIGTERM, before the server's own handler. In the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def told(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(end)
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    replaced = [number for number in _SIGNALS if callable(before[number])]
    for number in replaced:
        signal.signal(number, told)
    try:
        yield
    finally:
        for number in replaced:
            if signal.getsignal(number) is told:
                signal.signal(number, before[number])
