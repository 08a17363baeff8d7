"""When what is struck, and that a pause counts only where it made a zombie."""

import os
import random
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from benchmarks.chaos import strikes
from benchmarks.chaos.strikes import Kind, Striker
from retinoscope.child import Child
from retinoscope.stack import Plan, Stack
from tests.wait import wait_until


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """Processes that sleep."""
    names = ("redis", "worker1", "worker2", "api")
    children = [Child(name, ["sleep", "60"], {}, tmp_path / "log", patience_s=1) for name in names]
    for child in children:
        child.start()
    yield Stack(Plan("127.0.0.1", 0, tmp_path), children)
    for child in children:
        assert child.pid is not None
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGCONT)
        child.stop()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strikes, "_APART_S", 0.0)
    monkeypatch.setattr(strikes, "_PROOF_S", 0.05)
    monkeypatch.setattr(strikes, "PAUSE_S", 0.2)


def striker(stack: Stack, *kinds: Kind, hits: bool = True) -> Striker:
    return Striker(stack, list(kinds), 10, lambda _: True, lambda: hits, random.Random(0))


def state(stack: Stack, kind: str) -> list[str]:
    return [
        psutil.Process(child.pid).status()
        for child in stack.children
        if child.name.startswith(kind)
    ]


def test_one_of_the_kind_is_killed_when_its_share_of_the_jobs_has_ended(stack: Stack) -> None:
    strike = striker(stack, "redis", "api")
    strike.step(2)
    assert strike.done == [] and not strike.finished
    strike.step(3)
    wait_until(lambda: not stack.children[0].alive)
    assert [struck.name for struck in strike.done] == ["redis"] and all(
        child.alive for child in stack.children[1:]
    )
    strike.step(6)
    assert [struck.name for struck in strike.done] == ["redis", "api"] and strike.finished


def test_a_pause_that_hits_a_job_lasts(stack: Stack) -> None:
    strike = striker(stack, "pause")
    strike.step(10)
    wait_until(lambda: psutil.STATUS_STOPPED in state(stack, "worker"))
    assert not strike.finished
    wait_until(lambda: strike.step(10) or strike.finished)
    assert [struck.kind for struck in strike.done] == ["pause"]
    wait_until(lambda: psutil.STATUS_STOPPED not in state(stack, "worker"))


def test_a_pause_that_hits_no_job_ends_at_once_and_is_repeated_later(stack: Stack) -> None:
    strike = striker(stack, "pause", "api", hits=False)
    strike.step(10)
    wait_until(lambda: strike.step(10) or len(strike.done) == 1)
    assert strike.done[0].kind == "api"
    assert strike.left == ["pause"]
