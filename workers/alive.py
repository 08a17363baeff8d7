"""The health check of a worker's container: `python -P -m workers.alive`.

It ends with status 1 if Redis answers and no worker of this container has announced itself for 15
seconds. Without Redis every worker waits, and to restart it would not help: the status is 0.
"""

import socket
import sys

from redis import RedisError

from jobs.connection import connect
from jobs.registries import WorkerRegistry
from jobs.settings import settings


def problem(redis_url: str, host: str) -> str | None:
    """Return why the worker of that host should be restarted, or None."""
    try:
        living = WorkerRegistry(connect(redis_url)).on_host(host)
    except RedisError as error:
        print(f"Redis does not respond ({type(error).__name__}).")
        return None
    return None if living else f"No worker of {host} has announced itself for 15 seconds."


if __name__ == "__main__":
    sys.exit(problem(settings().redis_url, socket.gethostname()))
