"""`make demo`: real photographs through every technique over real HTTP, and a page that shows what came out."""

import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from catalog.registry import techniques
from catalog.technique import Technique
from retinoscope.demo_page import page
from retinoscope.stack import Plan, running

PHOTOGRAPHS = ("coffee", "chelsea")


@dataclass
class Shown:
    """One job of the demo."""

    photograph: str
    technique: Technique
    job: dict[str, Any]
    seconds: float
    files: list[str] = field(default_factory=list)

    @property
    def succeeded(self) -> bool:
        return bool(self.job["status"] == "succeeded")


def run_demo(out: Path, port: int) -> bool:
    """Everything from start to stop. True if every job succeeded."""
    console = Console()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="retinoscope-") as data:
        console.print("Starting Redis, a worker and the API …")
        plan = Plan("127.0.0.1", port, Path(data))
        with running(plan), httpx.Client(base_url=plan.address, timeout=60) as client:
            shown = _show_all(client, out, console)
    for name in PHOTOGRAPHS:
        (out / f"{name}.png").write_bytes(photograph(name))
    (out / "index.html").write_text(page(shown), encoding="utf-8")
    failed = [item for item in shown if not item.succeeded]
    for item in failed:
        console.print(f"[red]{item.technique.name} on {item.photograph}: {item.job['status']} {item.job['error']}")
    console.print(f"{len(shown) - len(failed)} of {len(shown)} jobs succeeded. Open {out / 'index.html'}")
    return not failed


def photograph(name: str) -> bytes:
    """A photograph that scikit-image ships."""
    spec = find_spec("skimage")
    assert spec is not None and spec.submodule_search_locations
    return (Path(spec.submodule_search_locations[0]) / "data" / f"{name}.png").read_bytes()


def _show_all(client: httpx.Client, out: Path, console: Console) -> list[Shown]:
    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bars:
        return [
            _show(client, out, bars, name, technique) for name in PHOTOGRAPHS for technique in techniques().values()
        ]


def _show(client: httpx.Client, out: Path, bars: Progress, name: str, technique: Technique) -> Shown:
    began = time.monotonic()
    bar = bars.add_task(f"{technique.name} · {name}", total=1, note="queued")
    files = {image.name: (f"{name}.png", photograph(name), "image/png") for image in technique.images}
    fields = {key: str(value) for key, value in technique.example.items()}
    created = client.post(f"/v1/jobs/{technique.name}", files=files, data=fields | {"seed": "1"})
    created.raise_for_status()
    job = _follow(client, created.json(), bars, bar)
    shown = Shown(name, technique, job, time.monotonic() - began)
    if shown.succeeded:
        shown.files = [_fetch(client, out, shown, artifact) for artifact in job["result"]["artifacts"]]
    return shown


def _follow(client: httpx.Client, job: dict[str, Any], bars: Progress, bar: Any) -> dict[str, Any]:
    while job["status"] in ("queued", "running"):
        progress = job["progress"] or {"done": 0, "total": 1}
        bars.update(bar, completed=progress["done"], total=progress["total"], note=job["status"])
        time.sleep(0.2)
        job = client.get(job["urls"]["self"]).raise_for_status().json()
    bars.update(bar, completed=1, total=1, note=job["status"])
    return job


def _fetch(client: httpx.Client, out: Path, shown: Shown, artifact: dict[str, Any]) -> str:
    name = f"{shown.photograph}-{shown.technique.name}-{artifact['name']}"
    (out / name).write_bytes(client.get(artifact["url"]).raise_for_status().content)
    return name
