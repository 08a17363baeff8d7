"""The command lines of the API and of a worker.

Neither imports modules from the current folder, which may have a file of any name.
"""

import sys
from pathlib import Path

# Where our packages are. Without it, uvicorn would import from the current folder first.
_PACKAGES = Path(__file__).resolve().parents[1]


def api_command(host: str, port: int) -> list[str]:
    """Return the command that runs the API."""
    return [
        sys.executable, "-P", "-m", "uvicorn", "service.app:create_app", "--factory",
        "--app-dir", str(_PACKAGES),
        "--host", host, "--port", str(port),
        "--timeout-graceful-shutdown", "5", "--no-server-header", "--no-access-log",
        # The application reads them itself, from the proxies of its settings.
        "--no-proxy-headers",
    ]  # fmt: skip


def worker_command(name: str, queues: str) -> list[str]:
    """Return the command that runs a worker with one child process."""
    return [
        sys.executable, "-P", "-m", "workers", "worker",
        "-Q", queues, "-P", "prefork", "-c", "1", "-n", f"{name}@%h", "-l", "INFO",
        "--without-gossip", "--without-mingle", "--without-heartbeat",
    ]  # fmt: skip
