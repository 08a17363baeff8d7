"""`make demo`: real photographs through every technique over real HTTP, and a page that shows what came out."""

import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from retinoscope.demo_page import page
from retinoscope.demo_plan import PHOTOGRAPHS, Showing, all_photographs, photograph, showings
from retinoscope.stack import Plan, running


@dataclass
class Shown:
    """A job of the demo that has ended."""

    showing: Showing
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
        console.print(f"[red]{item.showing.title}: {item.job['status']} {item.job['error']}")
    console.print(
        f"{len(shown) - len(failed)} of {len(shown)} jobs succeeded. Open {out / 'index.html'}"
    )
    return not failed


def _show_all(client: httpx.Client, out: Path, console: Console) -> list[Shown]:
    columns = (
        TextColumn("{task.description:<52}"),
        BarColumn(bar_width=8),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
    )
    image_set = _image_set(client)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        return [
            _told(console, _show(client, out, bars, showing, image_set)) for showing in showings()
        ]


def _told(console: Console, shown: Shown) -> Shown:
    """A line for each job where there is no bar, as in a log."""
    if not console.is_terminal:
        console.print(
            f"{shown.showing.title}: {shown.job['status']}, {shown.seconds:.0f} s", soft_wrap=True
        )
    return shown


def _image_set(client: httpx.Client) -> str:
    """The id of a set of all photographs."""
    files = [("image", (path.name, path.read_bytes())) for path in all_photographs()]
    created = client.post(
        "/v1/image-sets", data={"name": "scikit-image"}, files=files
    ).raise_for_status()
    set_id: str = created.json()["id"]
    return set_id


def _show(
    client: httpx.Client, out: Path, bars: Progress, showing: Showing, image_set: str
) -> Shown:
    began, technique = time.monotonic(), showing.technique
    bar = bars.add_task(showing.title, total=1, note="queued")
    files = {
        name: (f"{other}.png", photograph(other), "image/png")
        for name, other in showing.images.items()
    }
    fields = {**showing.fields, "seed": "1", "cache": "false"} | (
        {"image_set": image_set} if technique.reads_image_set else {}
    )
    created = client.post(f"/v1/jobs/{technique.name}", files=files, data=fields)
    created.raise_for_status()
    job = _follow(client, created.json(), bars, bar)
    shown = Shown(showing, job, time.monotonic() - began)
    if shown.succeeded:
        shown.files = [
            _fetch(client, out, shown, artifact) for artifact in job["result"]["artifacts"]
        ]
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
    name = f"{shown.showing.stem}-{artifact['name']}"
    (out / name).write_bytes(client.get(artifact["url"]).raise_for_status().content)
    return name
