"""A job store on a Redis of its own, without workers and HTTP."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs.connection import connect
from jobs.settings import Settings
from jobs.store import JobStore
from retinoscope.child import Child
from retinoscope.redis_server import configure


@contextmanager
def running_store(folder: Path) -> Iterator[JobStore]:
    """Start a Redis in the folder, and stop it at the end of the block."""
    command, url = configure(folder)
    server = Child("redis", command, {}, folder / "redis.log", patience_s=5)
    server.start()
    try:
        time.sleep(1)
        yield JobStore(connect(url), Settings(redis_url=url, data=folder))
    finally:
        server.stop()
