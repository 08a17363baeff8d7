"""Bounds on reading images, over all requests of this process: threads and decoded bytes."""

import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import ParamSpec, TypeVar

import anyio
import anyio.to_thread

from jobs.api_keys import LOCAL_OWNER
from service.problems import Problem

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Intake:
    """Where uploaded images are read: in a few threads of their own, within a number of bytes.

    Slow files then neither take the threads of other requests nor fill the memory: each thread
    holds one file at a time. One owner has half of the threads at most, so that the files of one
    do not hold up those of another; without keys there is one owner, who has all.
    """

    def __init__(self, threads: int, most_bytes: int, patience_s: float = 60.0) -> None:
        self._threads = anyio.CapacityLimiter(threads)
        self._count = threads
        self._patience_s = patience_s
        self._owners: dict[str, anyio.CapacityLimiter] = {}
        self._free = self._most = most_bytes
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    async def run(
        self,
        owner: str,
        function: Callable[Arguments, Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """Call the function in one of the threads, as soon as one is free for the owner.

        Raises Problem if none is for a minute.
        """
        async with self._thread(owner):
            return await anyio.to_thread.run_sync(
                lambda: function(*args, **kwargs), limiter=anyio.CapacityLimiter(1)
            )

    @asynccontextmanager
    async def _thread(self, owner: str) -> AsyncIterator[None]:
        own, turn = self._of_owner(owner), object()
        async with AsyncExitStack() as held:
            held.callback(self._forget_idle, owner)
            try:
                with anyio.fail_after(self._patience_s):
                    for limiter in (own, self._threads):
                        await limiter.acquire_on_behalf_of(turn)
                        held.callback(limiter.release_on_behalf_of, turn)
            except TimeoutError:
                raise Problem(
                    "intake_full",
                    "Other images are being read. Nothing was accepted. Send the request again.",
                ) from None
            yield

    def _forget_idle(self, owner: str) -> None:
        own = self._owners.get(owner)
        if own and not own.statistics().tasks_waiting and not own.borrowed_tokens:
            del self._owners[owner]

    def _of_owner(self, owner: str) -> anyio.CapacityLimiter:
        share = self._count if owner == LOCAL_OWNER else max(1, self._count // 2)
        return self._owners.setdefault(owner, anyio.CapacityLimiter(share))

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
