"""Bounds on reading images, over all requests of this process: threads and decoded bytes."""

import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

import anyio
import anyio.to_thread

from jobs.api_keys import LOCAL_OWNER
from service.problems import Problem
from service.shared_bytes import SharedBytes

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Intake:
    """Where uploaded images are read: in a few threads of their own, within a number of bytes.

    Slow files then neither take the threads of other requests nor fill the memory: each thread
    holds one file at a time. One owner has half of the threads and of the bytes at most, so that
    the files of one do not hold up those of another; without keys there is one owner, who has all.
    """

    def __init__(self, threads: int, most_bytes: int, patience_s: float = 60.0) -> None:
        self._threads = anyio.CapacityLimiter(threads)
        self._count = threads
        self._patience_s = patience_s
        self._owners: dict[str, anyio.CapacityLimiter] = {}
        self._bytes = SharedBytes(most_bytes)
        self._waiting: deque[_Turn] = deque()
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
                raise _full() from None
            yield

    def _forget_idle(self, owner: str) -> None:
        own = self._owners.get(owner)
        if own and not own.statistics().tasks_waiting and not own.borrowed_tokens:
            del self._owners[owner]

    def _of_owner(self, owner: str) -> anyio.CapacityLimiter:
        share = self._count if owner == LOCAL_OWNER else max(1, self._count // 2)
        return self._owners.setdefault(owner, anyio.CapacityLimiter(share))

    @contextmanager
    def holding(self, owner: str, count: int) -> Iterator[None]:
        """Wait until that many bytes are free for the owner, and hold them in the block.

        Who came first is first, but the images of an owner who has half of the bytes hold up
        nobody else's. More than there are at all counts as all: it is alone then. Blocks do not
        nest. Raises Problem if the bytes are not free within a minute.
        """
        turn = _Turn(owner, min(count, self._bytes.most))
        self._take(turn)
        try:
            yield
        finally:
            with self._changed:
                self._bytes.give_back(owner, turn.count)
                self._changed.notify_all()

    def _take(self, turn: "_Turn") -> None:
        with self._changed:
            self._waiting.append(turn)
            came = self._changed.wait_for(lambda: self._next() is turn, self._patience_s)
            self._waiting.remove(turn)
            if came:
                self._bytes.take(turn.owner, turn.count)
            self._changed.notify_all()
        if not came:
            raise _full()

    def _next(self) -> "_Turn | None":
        """Return the turn that may go on, or None."""
        held_up: set[str] = set()
        for turn in self._waiting:
            if turn.owner in held_up:
                continue
            if self._bytes.fits(turn.owner, turn.count):
                return turn
            if self._bytes.has_share(turn.owner, turn.count):
                # Only the bytes of others are missing. Whoever came later waits behind it.
                return None
            held_up.add(turn.owner)
        return None


@dataclass(eq=False)
class _Turn:
    """An image that waits for its bytes."""

    owner: str
    count: int


def _full() -> Problem:
    return Problem(
        "intake_full",
        "Other images are being read. Nothing was accepted. Send the request again.",
    )
