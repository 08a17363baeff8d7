"""The command lines of the API and of a worker, on one machine and in production."""

import sys


def api_command(host: str, port: int) -> list[str]:
    """Return the command that runs the API."""
    return [
        sys.executable, "-m", "uvicorn", "service.app:create_app", "--factory",
        "--host", host, "--port", str(port),
        "--timeout-graceful-shutdown", "5", "--no-server-header", "--no-access-log",
    ]  # fmt: skip


def worker_command(name: str, queues: str) -> list[str]:
    """Return the command that runs a worker with one child process."""
    return [
        sys.executable, "-m", "celery", "-A", "workers.app", "worker",
        "-Q", queues, "-P", "prefork", "-c", "1", "-n", f"{name}@%h", "-l", "INFO",
        "--without-gossip", "--without-mingle", "--without-heartbeat",
    ]  # fmt: skip
