"""Dynamic batching: calls of several threads that run as one batch.

Threads that call the same function wait for each other, and one of them then runs it for all.
Techniques need not know: a BatchableFunction runs at once where no batcher is active. Its caller
must hold no lock that the batch needs. Of the caller's state only whether gradients are enabled
is carried over to the thread that computes.
"""

import sys
import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

PATIENCE_S = 0.1
"""How long a call waits for those of other threads."""

# One thread for as long as the process lives: each further thread that computes would get threads
# of torch's and a heap of its own. A gradient of eight photographs took 26 ms in such a thread
# and 37 ms in a new one (measured once).
_COMPUTING = ThreadPoolExecutor(1, thread_name_prefix="computing")

BatchFunction = Callable[[Sequence[Any], Tensor], Tensor]
"""Maps (one query per image, images (B, C, H, W)) to (B, …), each image as if it were alone."""


@dataclass(frozen=True, eq=False)
class BatchableFunction:
    """A function of images that several threads may call in one batch.

    Functions with equal keys do the same, except for the query, which each image has of its own.
    A batch passes through `function` in pieces of at most `most()` images.
    """

    key: Hashable
    query: Any
    function: BatchFunction
    most: Callable[[], int]

    def __call__(self, x: Tensor) -> Tensor:
        """Return the result for the images: (B, C, H, W) → (B, …).

        A single image may become part of a larger batch. Larger batches run at once.
        """
        batcher = _current.get()
        if batcher is None or len(x) != 1:
            return self.run([self.query] * len(x), x)
        return batcher.call(self, x)

    def run(self, queries: Sequence[Any], x: Tensor) -> Tensor:
        """Run the function in pieces; `most` is called only if there are several images."""
        if len(x) == 1:
            return self.function(queries, x)
        step = self.most()
        starts = range(0, len(x), step)
        return torch.cat([self.function(queries[i : i + step], x[i : i + step]) for i in starts])


@dataclass(eq=False)
class _Call:
    function: BatchableFunction
    x: Tensor  # (1, C, H, W)
    grad: bool = field(default_factory=torch.is_grad_enabled)
    ended: threading.Event = field(default_factory=threading.Event)
    result: Tensor | None = None
    error: Exception | None = None

    @property
    def key(self) -> Hashable:
        """What calls of one batch have in common."""
        return self.function.key, self.x.shape[1:], self.grad


class DynamicBatcher:
    """A meeting point of `members` threads, each of which enters with `joined()`."""

    def __init__(self, members: int, patience_s: float = PATIENCE_S) -> None:
        self.batches: list[int] = []  # number of images in each batch that ran
        self._members = members
        self._patience_s = patience_s
        self._waiting: list[_Call] = []
        self._lock = threading.Lock()
        self._running = threading.Lock()

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Batch this thread's calls inside the context; afterwards, stop waiting for it."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)
            with self._lock:
                self._members -= 1
            self._run(all_of_them=False)

    def call(self, function: BatchableFunction, x: Tensor) -> Tensor:
        """Return the function's result for the image (1, C, H, W) from a batch of several calls."""
        call = _Call(function, x)
        with self._lock:
            self._waiting.append(call)
        self._run(all_of_them=False)
        if not call.ended.wait(self._patience_s):
            self._run(all_of_them=True)
            call.ended.wait()
        if call.error is not None:
            raise call.error
        assert call.result is not None
        return call.result

    def _run(self, *, all_of_them: bool) -> None:
        """Run what waits, in one thread at a time: torch's own threads share the cores."""
        with self._running:
            with self._lock:
                if not all_of_them and len(self._waiting) < self._members:
                    return
                calls, self._waiting = self._waiting, []
            for key in dict.fromkeys(call.key for call in calls):
                self._run_together([call for call in calls if call.key == key])

    def _run_together(self, calls: list[_Call]) -> None:
        """Run the calls as one batch, or one by one if that fails.

        A call that fails in a batch may succeed alone. Otherwise it gets an error of its own.
        """
        self.batches.append(len(calls))
        if not self._succeeds(calls):
            for call in calls:
                self._run_together([call])
        for call in calls:
            call.ended.set()

    @staticmethod
    def _succeeds(calls: list[_Call]) -> bool:
        """Run the calls; return False if they failed and there are several.

        The next attempt begins after this function has returned: until then the error's frames
        hold the tensors that were made in them.
        """
        try:
            results = _COMPUTING.submit(_run_batch, calls).result()
            for call, result in zip(calls, results[:, None], strict=True):
                call.result = result
        except Exception as error:
            if len(calls) > 1:
                return False
            calls[0].error = error
        return True


def _run_batch(calls: list[_Call]) -> Tensor:
    queries = [call.function.query for call in calls]
    with torch.set_grad_enabled(calls[0].grad):
        return calls[0].function.run(queries, torch.cat([call.x for call in calls]))


_current: ContextVar[DynamicBatcher | None] = ContextVar("dynamic_batcher", default=None)


def dynamically_batched(key: Hashable, asked: Any, x: Tensor, run: BatchFunction) -> Tensor:
    """Delegate to BatchableFunction."""
    return BatchableFunction(key, asked, run, lambda: sys.maxsize)(x)
