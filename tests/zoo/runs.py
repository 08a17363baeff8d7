"""Run the examinations in processes of their own, two at a time, and keep each record in a file.

A record that was made by the code as it is now is not made again; with `any_code`, nor is one of
other code.
"""

import hashlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".zoo"
CODE = ("catalog", "workers", "tests/zoo")
# Per architecture: of processor time, and of the clock of a machine that does other work too.
SECONDS, LATEST = 300, 3000
BYTES = 12 * 2**30


def records(
    names: Iterable[str],
    jobs: int,
    *,
    again: bool,
    any_code: bool,
    told: Callable[[str], None],
) -> dict[str, dict[str, Any]]:
    """Return the record of each architecture; `told` gets a line for each that was examined."""
    KEPT.mkdir(exist_ok=True)
    found = {name: None if again else _kept(name, any_code=any_code) for name in names}
    missing = [name for name, record in found.items() if record is None]
    for name, record in _examined(missing, jobs):
        found[name] = record
        told(f"{name}: {summary(record)}")
    return {name: record for name, record in found.items() if record is not None}


def summary(record: dict[str, Any]) -> str:
    """Return what became of an architecture, in a few words."""
    if record["loaded"] != "ok":
        return f"{record['loaded']} {record.get('detail', '')}".strip()
    statuses = record["techniques"].values()
    refused = sorted({status for status in statuses if status != "ok"})
    return f"{sum(s == 'ok' for s in statuses)} ok, {', '.join(refused) or 'none refused'}"


def _examined(names: list[str], jobs: int) -> Iterator[tuple[str, dict[str, Any]]]:
    with ThreadPoolExecutor(jobs) as pool:
        waiting = {pool.submit(_examine, name): name for name in names}
        for done in as_completed(waiting):
            yield waiting[done], done.result()


def _examine(name: str) -> dict[str, Any]:
    """Examine one architecture in a process of its own, whose end ends nothing else."""
    file = KEPT / f"{name}.json"
    file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "tests.zoo.examination", name, str(file)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    try:
        run = subprocess.run(
            command, cwd=ROOT, env=environment, timeout=LATEST, capture_output=True, text=True,
            preexec_fn=_limited, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"model": name, "loaded": f"FAILED:longer than {LATEST} s"}
    if not file.exists():
        words = run.stderr.strip()[-2000:]
        return {"model": name, "loaded": f"FAILED:ended with {run.returncode}", "detail": words}
    record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(record | {"code": _code()}, indent=1), encoding="utf-8")
    return record


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


def _kept(name: str, *, any_code: bool) -> dict[str, Any] | None:
    file = KEPT / f"{name}.json"
    if not file.exists():
        return None
    record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return record if record.pop("code", None) == _code() or any_code else None


@cache
def _code() -> str:
    """Return a digest of the code that the records depend on."""
    total = hashlib.sha256()
    for folder in CODE:
        for file in sorted((ROOT / folder).rglob("*.py")):
            total.update(file.read_bytes())
    return total.hexdigest()
