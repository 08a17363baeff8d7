"""Memory of the API before and after parallel uploads: `python -m benchmarks.upload_memory`.

Photographs of 12 megapixels, made of scikit-image's by enlarging them and adding sensor noise, are
uploaded eight at a time; `--plain` leaves malloc as it is.
"""

import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import psutil
from PIL import Image
from skimage import data

from retinoscope.commands import api_command, api_environment
from retinoscope.redis_server import configure, free_port

_NAMES = ("astronaut", "chelsea", "coffee", "rocket")
_SIZE = (4000, 3000)
_AT_ONCE, _ROUNDS = 8, 3


def photographs(count: int) -> Iterator[bytes]:
    """Yield different JPEGs of 12 megapixels."""
    chance = np.random.default_rng(0)
    for number in range(count):
        scene = Image.fromarray(getattr(data, _NAMES[number % len(_NAMES)])()).resize(_SIZE)
        noise = chance.normal(0, 4, (*_SIZE[::-1], 3)).astype(np.float32)
        pixels = (np.asarray(scene) + noise).clip(0, 255).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
        yield buffer.getvalue()


@contextmanager
def running_api(environment: dict[str, str]) -> Iterator[tuple[str, psutil.Process]]:
    """Run Redis and one API; yield its address and its process."""
    with tempfile.TemporaryDirectory() as folder:
        command, url = configure(Path(folder))
        redis = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        port = free_port()
        own = {"RETINOSCOPE_DATA": folder, "RETINOSCOPE_REDIS_URL": url}
        api = subprocess.Popen(api_command("127.0.0.1", port), env=os.environ | own | environment)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(address)
            yield address, psutil.Process(api.pid)
        finally:
            for process in (api, redis):
                process.terminate()
                process.wait()


def measure(environment: dict[str, str], files: list[bytes]) -> None:
    """Print the memory before and after, and the processor time of the API for the uploads."""
    with running_api(environment) as (address, process):
        before, began = process.memory_info().rss, _processor_time(process)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in range(_ROUNDS):
                list(pool.map(lambda file: _upload(address, file), files))
        took = _processor_time(process) - began
        time.sleep(1)
        after = process.memory_info().rss
    print(f"{before >> 20} MB, then {after >> 20} MB after {took:.1f} CPU seconds: {environment}")


def _processor_time(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _upload(address: str, file: bytes) -> None:
    answer = httpx.post(f"{address}/v1/images", files={"image": file}, timeout=60)
    assert answer.status_code == 201, answer.text


def _wait_for(address: str) -> None:
    for _ in range(300):
        try:
            httpx.get(f"{address}/readyz").raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise SystemExit("The API does not start.")


if __name__ == "__main__":
    measure({} if "--plain" in sys.argv else api_environment(), list(photographs(24)))
