"""A seeded list of kills and pauses, one each time another share of the jobs has ended."""

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from benchmarks.chaos.forms import LEASE_S, PAUSE_S, Form
from retinoscope.child import Child
from retinoscope.stack import Stack

Kind = Literal["worker", "redis", "api", "pause"]

_APART_S = 1.0
_PROOF_S = 0.8 * LEASE_S


@dataclass(frozen=True)
class Struck:
    """One kill or pause of a process, at a time in milliseconds of the clock that Redis shares."""

    kind: Kind
    name: str
    at_ms: int


def schedule(form: Form, seed: int) -> list[Kind]:
    """Return every strike of the run, in a seeded order."""
    numbers: dict[Kind, int] = {
        "worker": form.worker_kills,
        "redis": form.redis_kills,
        "api": form.api_kills,
        "pause": form.pauses,
    }
    kinds = [kind for kind, number in numbers.items() for _ in range(number)]
    random.Random(seed).shuffle(kinds)
    return kinds


@dataclass
class Striker:
    """Kills process groups of the stack, and pauses workers for longer than their lease.

    `Stack.watch` revives what was killed.
    """

    stack: Stack
    left: list[Kind]
    jobs: int
    ready: Callable[[Child], bool]
    hit: Callable[[], bool]
    chance: random.Random
    done: list[Struck] = field(default_factory=list)
    _paused: dict[int, float] = field(default_factory=dict)
    _unproven: tuple[int, Struck] | None = None
    _last: float = 0.0

    @property
    def finished(self) -> bool:
        """Return whether all kills are done. Pauses that hit no job until the end are left out."""
        return not self._paused and set(self.left) <= {"pause"}

    def step(self, ended: int) -> None:
        """Do what is due when this many jobs have ended. A call makes at most one strike."""
        self._resume()
        if self._unproven is not None:
            self._prove(*self._unproven)
        elif self._due(ended) and (target := self._target(self.left[0])):
            self._strike(self.left.pop(0), target)

    def _due(self, ended: int) -> bool:
        done, total = len(self.done), len(self.done) + len(self.left)
        reached = ended * (total + 1) >= self.jobs * (done + 1) * 0.9
        return bool(self.left) and reached and time.monotonic() - self._last >= _APART_S

    def _target(self, kind: Kind) -> Child | None:
        """Return a process that works. Killing one that is still starting would prove little."""
        name = "worker" if kind == "pause" else kind
        able = [
            child
            for child in self.stack.children
            if child.name.startswith(name) and self._able(child)
        ]
        return self.chance.choice(able) if able else None

    def _able(self, child: Child) -> bool:
        return child.alive and child.pid not in self._paused and self.ready(child)

    def _strike(self, kind: Kind, child: Child) -> None:
        assert child.pid is not None
        self._last = time.monotonic()
        struck = Struck(kind, child.name, time.time_ns() // 1_000_000)
        if kind == "pause":
            self._paused[child.pid] = self._last + PAUSE_S
            self._unproven = child.pid, struck
        else:
            self.done.append(struck)
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGSTOP if kind == "pause" else signal.SIGKILL)

    def _prove(self, leader: int, struck: Struck) -> None:
        """Count a pause if it hit a running job, which makes it a zombie. Else repeat it later."""
        if time.monotonic() - self._last < _PROOF_S:
            return
        self._unproven = None
        if self.hit():
            self.done.append(struck)
        else:
            self._paused[leader] = 0.0
            self.left.insert(1, "pause")

    def _resume(self) -> None:
        for leader in [
            leader for leader, until in self._paused.items() if time.monotonic() > until
        ]:
            del self._paused[leader]
            with suppress(ProcessLookupError):
                os.killpg(leader, signal.SIGCONT)
