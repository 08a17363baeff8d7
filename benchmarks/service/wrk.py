"""Load from `wrk`, and its report as numbers."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


@dataclass(frozen=True)
class Load:
    """The result of a run: answers per second, latencies, and the number of refusals."""

    rate: float
    p50_ms: float
    p99_ms: float
    bad: int


def load(url: str, clients: int, seconds: int, folder: Path, body: str = "") -> Load:
    """Keep that many clients busy. They POST `body` (JSON) if there is one, and GET otherwise."""
    command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--latency", "--timeout", "10s"]
    if body:
        script = folder / "post.lua"
        script.write_text(
            f'wrk.method = "POST"\nwrk.body = [[{body}]]\n'
            'wrk.headers["Content-Type"] = "application/json"\n'
        )
        command += ["-s", str(script)]
    return _read(subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout)


def check_installed() -> None:
    if not shutil.which("wrk"):
        sys.exit("This benchmark needs wrk (Debian's package wrk), which is not on PATH.")


def _read(text: str) -> Load:
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    assert rate, text
    return Load(
        float(rate[1]), _percentile(text, 50), _percentile(text, 99), int(bad[1]) if bad else 0
    )


def _percentile(text: str, percent: int) -> float:
    found = re.search(rf"\s{percent}%\s+([\d.]+)(us|ms|s|m)\b", text)
    assert found, text
    return float(found[1]) * _UNITS[found[2]]
