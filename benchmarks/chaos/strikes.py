"""When what is killed or paused: a seeded list, one strike each time another share of the jobs has ended."""

import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from benchmarks.chaos.forms import PAUSE_S, Form
from retinoscope.child import Child
from retinoscope.stack import Stack

Kind = Literal["worker", "redis", "api", "pause"]

_APART_S = 1.0


@dataclass(frozen=True)
class Struck:
    """What was done, to whom, and when, in milliseconds of the wall clock, which is also Redis's."""

    kind: Kind
    name: str
    at_ms: int


def schedule(form: Form, seed: int) -> list[Kind]:
    """Every strike of the run, in a seeded order."""
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
    """Kills process groups of the stack, and stops workers for longer than their lease. `Stack.watch` revives them."""

    stack: Stack
    kinds: Sequence[Kind]
    jobs: int
    ready: Callable[[Child], bool]
    chance: random.Random
    done: list[Struck] = field(default_factory=list)
    _paused: dict[int, float] = field(default_factory=dict)
    _last: float = 0.0

    @property
    def finished(self) -> bool:
        return len(self.done) == len(self.kinds) and not self._paused

    def step(self, ended: int) -> None:
        """Do what is due once so many jobs have ended; at most one strike a call."""
        self._resume()
        number = len(self.done)
        due = number < len(self.kinds) and ended * (len(self.kinds) + 1) >= self.jobs * (number + 1) * 0.9
        if due and time.monotonic() - self._last >= _APART_S and (target := self._target(self.kinds[number])):
            self._strike(self.kinds[number], target)

    def _target(self, kind: Kind) -> Child | None:
        """A process that works: to kill one that is still starting proves little."""
        name = "worker" if kind == "pause" else kind
        able = [child for child in self.stack.children if child.name.startswith(name) and self._able(child)]
        return self.chance.choice(able) if able else None

    def _able(self, child: Child) -> bool:
        return child.alive and child.pid not in self._paused and self.ready(child)

    def _strike(self, kind: Kind, child: Child) -> None:
        assert child.pid is not None
        self._last = time.monotonic()
        self.done.append(Struck(kind, child.name, time.time_ns() // 1_000_000))
        if kind == "pause":
            self._paused[child.pid] = self._last + PAUSE_S
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGSTOP if kind == "pause" else signal.SIGKILL)

    def _resume(self) -> None:
        for leader in [leader for leader, until in self._paused.items() if time.monotonic() > until]:
            del self._paused[leader]
            with suppress(ProcessLookupError):
                os.killpg(leader, signal.SIGCONT)
