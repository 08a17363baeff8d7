"""The stack on one machine: Redis, workers, API and the sender of webhooks, supervised here."""

import fcntl
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from retinoscope.child import Child
from retinoscope.commands import (
    api_command,
    api_environment,
    deliver_command,
    worker_command,
)
from retinoscope.errors import StackError
from retinoscope.redis_server import configure

_READY_PATIENCE_S = 60.0
# A message that is being sent has fifteen seconds.
_SENDING_S = 18
_CRASHES_BEFORE_GIVING_UP = 5


@dataclass(frozen=True)
class Plan:
    """What to start: workers for `queues`, and further workers for short jobs only."""

    host: str
    port: int
    data: Path
    workers: int = 1
    fast_workers: int = 0
    queues: str = "slow,fast"

    @property
    def address(self) -> str:
        """URL of the API."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


class Stack:
    """The running processes, in the order of their start."""

    def __init__(self, plan: Plan, children: list[Child]) -> None:
        self.plan = plan
        self.children = children

    def watch(self) -> None:
        """Restart processes that have ended."""
        for child in self.children:
            child.revive()

    def wait_until_ready(self, stop_requested: threading.Event) -> None:
        """Wait until the API accepts jobs and every worker lives, or a stop is requested.

        Raises StackError.
        """
        deadline = time.monotonic() + _READY_PATIENCE_S
        while not stop_requested.is_set() and not self._ready():
            self.watch()
            for child in self.children:
                if child.restarts >= _CRASHES_BEFORE_GIVING_UP:
                    raise StackError(f"{child.name} does not start:\n{child.log_tail()}")
            if time.monotonic() > deadline:
                raise StackError(
                    f"The stack is not ready after {_READY_PATIENCE_S:.0f} s. "
                    f"The logs are in {self.plan.data}/logs."
                )
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop the API first, then the workers, which return their jobs, and Redis last.

        Webhooks are sent until the workers have ended.
        """
        for kind in ("api", "worker", "deliver", "redis"):
            children = [child for child in self.children if child.name.startswith(kind)]
            for child in children:
                child.terminate()
            for child in children:
                child.stop()

    def _ready(self) -> bool:
        try:
            state = httpx2.get(f"{self.plan.address}/readyz", timeout=2)
        except httpx2.HTTPError:
            return False
        return (
            state.status_code == 200
            and state.json()["workers"] >= self.plan.workers + self.plan.fast_workers
        )


@contextmanager
def running(plan: Plan, stop_requested: threading.Event | None = None) -> Iterator[Stack]:
    """Start the stack, and stop it at the end of the block. Raises StackError."""
    _check_port(plan)
    with _lock(plan.data):
        stack = Stack(plan, _children(plan))
        try:
            for child in stack.children:
                child.start()
            stack.wait_until_ready(stop_requested or threading.Event())
            yield stack
        finally:
            stack.stop()


def _children(plan: Plan) -> list[Child]:
    logs = plan.data / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    env = {"RETINOSCOPE_DATA": str(plan.data.resolve())}
    children = []
    if not os.environ.get("RETINOSCOPE_REDIS_URL"):
        command, env["RETINOSCOPE_REDIS_URL"] = configure(plan.data)
        children.append(Child("redis", command, {}, logs / "redis.log", patience_s=10))
    names = {f"worker{i}": plan.queues for i in range(1, plan.workers + 1)}
    names |= {f"worker-fast{i}": "fast" for i in range(1, plan.fast_workers + 1)}
    for name, queues in names.items():
        children.append(
            Child(name, worker_command(name, queues), env, logs / f"{name}.log", patience_s=20)
        )
    env = env | api_environment()
    children.append(
        Child("api", api_command(plan.host, plan.port), env, logs / "api.log", patience_s=10)
    )
    children.append(
        Child("deliver", deliver_command(), env, logs / "deliver.log", patience_s=_SENDING_S)
    )
    return children


def _check_port(plan: Plan) -> None:
    family = socket.AF_INET6 if ":" in plan.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((plan.host, plan.port))
        except OSError as error:
            raise StackError(
                f"Cannot listen on {plan.host}:{plan.port}: {error.strerror}. Choose --port."
            ) from None


@contextmanager
def _lock(data: Path) -> Iterator[None]:
    """Allow one stack for each data folder: two would write the same append-only file."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StackError(f"Another stack runs on {data}. Stop it, or choose --data.") from None
        yield
