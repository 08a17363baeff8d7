"""A Redis of the run's own, in place of the one that the stack would start."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import RedisError

from jobs.connection import connect
from retinoscope.child import Child
from retinoscope.redis_server import configure, find_redis, free_port


@contextmanager
def durable(data: Path) -> Iterator[tuple[Child, str]]:
    """Run a Redis that is configured as by `retinoscope serve`."""
    command, url = configure(data)
    with _started(command, data) as child:
        yield child, url


@contextmanager
def stock(data: Path) -> Iterator[tuple[Child, str]]:
    """Run a Redis with its defaults: no append-only file, snapshots by the default schedule."""
    port = free_port()
    command = [find_redis(), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(data)]
    with _started(command, data) as child:
        yield child, f"redis://127.0.0.1:{port}/0"


@contextmanager
def _started(command: list[str], data: Path) -> Iterator[Child]:
    child = Child("redis", command, {}, data / "redis.log", patience_s=5)
    child.start()
    try:
        yield child
    finally:
        child.stop()


def wait_for(url: str, patience_s: float = 20.0) -> None:
    """Wait until Redis answers. Raises redis.RedisError."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            connect(url).ping()
            return
        except RedisError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
