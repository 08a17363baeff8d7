"""Ends streaming responses on shutdown; otherwise uvicorn waits for them before its own hooks."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def on_shutdown(end: Callable[[], None]) -> Iterator[None]:
    """Call `end` in the running loop at SIGINT or SIGTERM, before the server's own handler.

    Only the main thread can handle signals; in another one this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(end)
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    replaced = [number for number in _SIGNALS if callable(before[number])]
    for number in replaced:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in replaced:
            if signal.getsignal(number) is handle:
                signal.signal(number, before[number])
