"""Bounds on reading images, over all requests of this process: threads and decoded bytes."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

import anyio
import anyio.to_thread

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Intake:
    """Where uploaded images are read: in a few threads of their own, within a number of bytes.

    Slow files then neither take the threads of other requests nor fill the memory: each thread
    holds one file at a time.
    """

    def __init__(self, threads: int, most_bytes: int) -> None:
        self._threads = anyio.CapacityLimiter(threads)
        self._free = self._most = most_bytes
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    async def run(
        self,
        function: Callable[Arguments, Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """Call the function in one of the threads, as soon as one is free."""
        return await anyio.to_thread.run_sync(
            lambda: function(*args, **kwargs), limiter=self._threads
        )

    @contextmanager
    def holding(self, count: int) -> Iterator[None]:
        """Wait until that many bytes are free, in order of arrival, and hold them in the block.

        More than there are at all counts as all: it is alone then. Blocks do not nest.
        """
        count = min(count, self._most)
        self._take(count)
        try:
            yield
        finally:
            with self._changed:
                self._free += count
                self._changed.notify_all()

    def _take(self, count: int) -> None:
        turn = object()
        with self._changed:
            self._waiting.append(turn)
            self._changed.wait_for(lambda: self._waiting[0] is turn and self._free >= count)
            self._waiting.popleft()
            self._free -= count
            self._changed.notify_all()
