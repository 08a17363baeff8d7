"""A test run that is killed leaves no process behind."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.wait import wait_until

ROOT = Path(__file__).parents[2]
HOLDING_A_STACK = """
import os, time
from pathlib import Path
from tests.retinoscope.serving import serving

def test_holds_a_stack(redis_server, tmp_path):
    with serving(tmp_path, RETINOSCOPE_WARM_MODELS="[]"):
        Path(os.environ["READY"]).touch()
        time.sleep(600)
"""


def lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a process to its parent")
@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["alone", "with xdist"])
def test_a_killed_run_leaves_no_process(tmp_path: Path, workers: list[str]) -> None:
    test, ready = tmp_path / "test_holding.py", tmp_path / "ready"
    test.write_text(HOLDING_A_STACK)
    pytest_run = subprocess.Popen(
        [
            *(sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider"),
            *("-c", str(ROOT / "pyproject.toml"), "--basetemp", str(tmp_path / "made")),
            *(*workers, str(test)),
        ],
        cwd=ROOT,
        env=os.environ | {"READY": str(ready)},
        stdout=subprocess.DEVNULL,
    )
    family: list[psutil.Process] = []
    try:
        wait_until(lambda: ready.exists() or pytest_run.poll() is not None, 90)
        assert pytest_run.poll() is None
        family = psutil.Process(pytest_run.pid).children(recursive=True)
        lines = [" ".join(process.cmdline()) for process in family]
        for part, count in {"redis-server": 2, "uvicorn": 1, "retinoscope serve": 1}.items():
            assert sum(part in line for line in lines) == count, lines
        pytest_run.kill()
        wait_until(lambda: not any(map(lives, family)), 10)
    finally:
        pytest_run.kill()
        pytest_run.wait()
        for process in filter(lives, family):
            process.kill()
