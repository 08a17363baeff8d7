"""Writes the oracle: runs the command line of this checkout, always in the same circumstances."""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psutil

from tests.oracle.runs import Run, runs

MADE_ON = "made-on.json"
INPUTS = "inputs"

_CHECKOUT = Path(__file__).resolve().parents[2]
_SINGLE = ("chelsea.png", "coffee.png", "camera.png", "ihc.png")
_SET = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")
_AT_ONCE = 2
# One thread and one set of instructions: the same sums in the same order wherever there is AVX2.
_ARITHMETIC = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "AVX2",
    "CUDA_VISIBLE_DEVICES": "",
}
# With less, batches go through the network in smaller pieces, and sums are rounded otherwise.
_MEMORY = 4 << 30
_PACKAGES = ("torch", "torchvision", "timm", "numpy", "pillow", "scikit-image")


def write(folder: Path) -> list[str]:
    """Write every run into the folder, which must be new or empty; returns what failed."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        return [f"{folder} is not empty."]
    if psutil.virtual_memory().available < _AT_ONCE * _MEMORY:
        print("Little memory is free: numbers may be rounded otherwise.", flush=True)
    _lay_out_inputs(folder / INPUTS)
    (folder / MADE_ON).write_text(json.dumps(_circumstances(), indent=1) + "\n")
    failed: list[str] = []
    for one_round in runs():
        failed += _run_all(one_round, folder)
    return failed


def photographs() -> Path:
    """The folder of pictures that scikit-image ships."""
    spec = find_spec("skimage")
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "data"


def _lay_out_inputs(inputs: Path) -> None:
    for folder, names in ((inputs, _SINGLE), (inputs / "photographs", _SET)):
        folder.mkdir()
        for name in names:
            shutil.copyfile(photographs() / name, folder / name)


def _run_all(several: Iterable[Run], folder: Path) -> list[str]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return [problem for problem in pool.map(lambda run: _run(run, folder), several) if problem]


def _run(run: Run, folder: Path) -> str:
    """Run it in the folder, so that paths in results are always the same; returns what failed."""
    command = [sys.executable, "-m", "retinoscope", "run", *run.command]
    done = subprocess.run(command, cwd=folder, env=_environment(), capture_output=True, text=True)
    print(f"{run.name}: {'written' if done.returncode == 0 else 'FAILED'}", flush=True)
    return f"{run.name}: {done.stderr.strip()}" if done.returncode else ""


def _environment() -> dict[str, str]:
    """This process's own, without what changes results; this checkout's code comes first."""
    names = (name for name in os.environ if not name.startswith("RETINOSCOPE_"))
    kept = {name: os.environ[name] for name in names}
    return kept | _ARITHMETIC | {"PYTHONPATH": str(_CHECKOUT)}


def _circumstances() -> dict[str, str]:
    """What may change numbers besides the code."""
    return {name: version(name) for name in _PACKAGES} | {
        "python": platform.python_version(),
        "processor": _processor(),
    }


def _processor() -> str:
    """Its name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
