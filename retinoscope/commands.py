"""The command lines of API, worker and sender of webhooks, and the environment of the API.

None imports modules from the current folder, which may have a file of any name.
"""

import os
import sys
from pathlib import Path

# Where our packages are. Without it, uvicorn would import from the current folder first.
_PACKAGES = Path(__file__).resolve().parents[1]
_FREED_FROM_BYTES = "131072"


def api_command(host: str, port: int) -> list[str]:
    """Return the command that runs the API."""
    return [
        sys.executable, "-P", "-m", "uvicorn", "service.logged_app:logged_app", "--factory",
        "--app-dir", str(_PACKAGES),
        "--host", host, "--port", str(port),
        "--timeout-graceful-shutdown", "5", "--no-server-header", "--no-access-log",
        # The application reads them itself, from the proxies of its settings.
        "--no-proxy-headers",
    ]  # fmt: skip


def api_environment() -> dict[str, str]:
    """Return the variables that the API needs and that are not set: how it frees memory.

    glibc keeps what threads free for themselves. With fixed thresholds the pixels of large images
    go back to the system, and the API does not stay as large as its busiest moment.
    """
    names = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")
    return {name: _FREED_FROM_BYTES for name in names if name not in os.environ}


def worker_command(name: str, queues: str) -> list[str]:
    """Return the command that runs a worker with one child process."""
    return [
        sys.executable, "-P", "-m", "workers", "worker",
        "-Q", queues, "-P", "prefork", "-c", "1", "-n", f"{name}@%h", "-l", "INFO",
        "--without-gossip", "--without-mingle", "--without-heartbeat",
    ]  # fmt: skip


def deliver_command() -> list[str]:
    """Return the command that sends webhooks."""
    return [sys.executable, "-P", "-m", "service.webhooks"]
