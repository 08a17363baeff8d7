"""Calls of several threads that run as one batch: who asks for the same waits for the others, then one runs for all.

Techniques do not know: `gathered` runs a call at once where nobody gathers. Who calls it must hold no lock that the
batch needs; of the caller's state only whether gradients are wanted is carried over to the thread that computes.
"""

import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

PATIENCE_S = 0.1  # whoever comes later than this runs by itself

# One thread for as long as the process lives: every other one that computes would get threads of torch's and a heap of
# its own. A gradient of eight photographs took 26 ms each in such a thread, and 37 in a new one (measured once).
_COMPUTING = ThreadPoolExecutor(1, thread_name_prefix="computing")

BatchFunction = Callable[[Sequence[Any], Tensor], Tensor]
"""(what each image asks for, images (B, C, H, W)) → (B, …), each entry as if its image were alone."""


@dataclass(eq=False)
class _Call:
    key: Hashable
    asked: Any
    x: Tensor  # (1, C, H, W)
    run: BatchFunction
    grad: bool
    ended: threading.Event = field(default_factory=threading.Event)
    result: Tensor | None = None
    error: Exception | None = None


class DynamicBatcher:
    """`members` threads may take part; each enters with `joined()`."""

    def __init__(self, members: int, patience_s: float = PATIENCE_S) -> None:
        self.batches: list[int] = []  # how many images each run had
        self._members = members
        self._patience_s = patience_s
        self._waiting: list[_Call] = []
        self._lock = threading.Lock()
        self._running = threading.Lock()

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Calls of this thread are gathered in here. At the end nobody waits for it any more."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)
            with self._lock:
                self._members -= 1
            self._run(all_of_them=False)

    def call(self, key: Hashable, asked: Any, x: Tensor, run: BatchFunction) -> Tensor:
        call = _Call(
            (key, x.shape[1:], torch.is_grad_enabled()), asked, x, run, torch.is_grad_enabled()
        )
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
        """One thread at a time: torch's own threads share the cores."""
        with self._running:
            with self._lock:
                if not all_of_them and len(self._waiting) < self._members:
                    return
                calls, self._waiting = self._waiting, []
            for key in dict.fromkeys(call.key for call in calls):
                self._run_together([call for call in calls if call.key == key])

    def _run_together(self, calls: list[_Call]) -> None:
        self.batches.append(len(calls))
        if not self._succeeds(
            calls
        ):  # what fails together may succeed alone; if not, each has an error of its own
            for call in calls:
                self._run_together([call])
        for call in calls:
            call.ended.set()

    @staticmethod
    def _succeeds(calls: list[_Call]) -> bool:
        """The next try begins outside: here the error's frames still hold what was made."""
        try:
            results = _COMPUTING.submit(_together, calls).result()
            for call, result in zip(calls, results[:, None], strict=True):
                call.result = result
        except Exception as error:
            if len(calls) > 1:
                return False
            calls[0].error = error
        return True


def _together(calls: list[_Call]) -> Tensor:
    with torch.set_grad_enabled(calls[0].grad):
        return calls[0].run([call.asked for call in calls], torch.cat([call.x for call in calls]))


_current: ContextVar[DynamicBatcher | None] = ContextVar("gathering", default=None)


def dynamically_batched(key: Hashable, asked: Any, x: Tensor, run: BatchFunction) -> Tensor:
    """run([asked], x), or a part of a larger batch: (1, C, H, W) → (1, …). Batches of their own run at once."""
    gathering = _current.get()
    if gathering is None or len(x) != 1:
        return run([asked] * len(x), x)
    return gathering.call(key, asked, x, run)
