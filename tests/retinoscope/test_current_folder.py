"""`serve` imports nothing from the folder it is started in, whatever lies there."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from retinoscope.commands import api_command, worker_command
from retinoscope.redis_server import free_port

# One module of the standard library, several of ours, and some that are imported late or on demand.
STRAYS = (
    "http",
    "redis",
    "torch",
    "timm",
    "celery",
    "kombu",
    "fastapi",
    "jobs",
    "workers",
    "select",
)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in STRAYS:
        (tmp_path / f"{name}.py").write_text("open('imported', 'a').write(__name__ + chr(10))\n")
    return tmp_path


def run(command: list[str], folder: Path) -> str:
    """Run a command from the folder, as the stack does, for as long as it takes to import all."""
    # A Redis that does not exist: a worker imports everything, then waits for it.
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "RETINOSCOPE_DATA": str(folder / "data"),
        "RETINOSCOPE_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
    }
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    deadline = time.monotonic() + 90
    try:
        while time.monotonic() < deadline and process.poll() is None:
            if any(word in (folder / "log").read_text() for word in READY):
                break
            time.sleep(0.2)
    finally:
        process.kill()
        process.wait()
    return (folder / "log").read_text()


READY = ("Application startup complete", "Cannot connect to redis", "Started server process")


@pytest.mark.parametrize("kind", ["api", "worker", "tether", "serve"])
def test_modules_of_the_current_folder_are_not_imported(folder: Path, kind: str) -> None:
    api = api_command("127.0.0.1", free_port())
    command = {
        "api": api,
        "worker": worker_command("w", "fast"),
        "tether": [sys.executable, "-P", "-m", "jobs.process", str(os.getpid()), *api],
        "serve": [sys.executable, "-m", "retinoscope", "serve", "--help"],
    }[kind]
    log = run(command, folder)
    assert not (folder / "imported").exists(), (folder / "imported").read_text()
    expected = {"worker": "Cannot connect to redis", "serve": "--port"}
    assert expected.get(kind, "Started server process") in log, log
