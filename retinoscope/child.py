"""A process of the stack, which ends with this process and is restarted when it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

_BACKOFF_S = 0.5
_TAIL_BYTES = 2000


class Child:
    """A process that runs a command and writes to a log file."""

    def __init__(
        self, name: str, command: list[str], env: dict[str, str], log: Path, patience_s: float
    ) -> None:
        self.name = name
        self.restarts = 0
        self._command = command
        self._env = os.environ | env
        self._log = log
        self._patience_s = patience_s
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0

    def start(self) -> None:
        """Start the process in a group of its own.

        Ctrl-C in the terminal then reaches the supervisor only.
        """
        tethered = [sys.executable, "-P", "-m", "jobs.process", str(os.getpid()), *self._command]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                tethered,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._started = time.monotonic()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def revive(self) -> bool:
        """Restart the process if it has ended, but not in a tight loop.

        Return whether it was restarted.
        """
        if self.alive or time.monotonic() - self._started < _BACKOFF_S:
            return False
        self.restarts += 1
        if self._process is not None:
            self._kill_group(self._process.pid)
        self.start()
        return True

    def terminate(self) -> None:
        """Send SIGTERM without waiting."""
        if self._process is not None and self.alive:
            self._process.terminate()

    def stop(self) -> None:
        """Send SIGTERM, wait, then send SIGKILL to the rest of the process group."""
        if self._process is None:
            return
        if self.alive:
            self.terminate()
            try:
                self._process.wait(self._patience_s)
            except subprocess.TimeoutExpired:
                self._kill_group(self._process.pid)
                self._process.wait()
        self._kill_group(self._process.pid)

    def log_tail(self) -> str:
        """Return the end of the log."""
        if not self._log.exists():
            return ""
        return self._log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace")

    @staticmethod
    def _kill_group(leader: int) -> None:
        try:
            os.killpg(leader, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return
