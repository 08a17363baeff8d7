"""`retinoscope serve` as a user starts it, for tests that end it in every way."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from jobs.process import tethered
from retinoscope.redis_server import free_port
from tests.wait import wait_until


@dataclass
class Serving:
    process: "subprocess.Popen[str]"
    client: httpx.Client
    log: Path

    def family(self) -> list[psutil.Process]:
        """Every process that it started, and theirs."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def find(self, *words: str) -> list[psutil.Process]:
        """Processes of the family whose command line holds all the words."""
        found = []
        for process in self.family():
            try:
                line = " ".join(process.cmdline())
            except psutil.Error:
                continue
            if all(word in line for word in words):
                found.append(process)
        return found

    def workers(self) -> list[psutil.Process]:
        """Processes of the workers, parents and children. There are some while it serves."""
        return self.find(" -m workers worker ")

    def send(self, number: int) -> None:
        os.kill(self.process.pid, number)


@contextmanager
def serving(data: Path, *arguments: str, **environment: str) -> Iterator[Serving]:
    """The command on a free port, ready. Whatever is left of it is killed at the end."""
    port, log = free_port(), data / "serve.log"
    data.mkdir(exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "retinoscope",
        "serve",
        "--port",
        str(port),
        "--data",
        str(data),
    ]
    command += ["--fast-workers", "0", *arguments]
    with log.open("w") as output:
        process = subprocess.Popen(
            tethered(command),
            stdout=output,
            stderr=output,
            text=True,
            env=os.environ | environment,
            start_new_session=True,
        )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=90) as client:
        running = Serving(process, client, log)
        family: list[psutil.Process] = []
        try:
            wait_until(lambda: "listens on" in log.read_text() or process.poll() is not None, 90)
            assert process.poll() is None, log.read_text()
            family = running.family()
            yield running
        finally:
            _clean(process, family)


def _clean(process: "subprocess.Popen[str]", family: list[psutil.Process]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
    for left in family:
        if left.is_running():
            left.kill()
