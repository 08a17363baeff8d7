"""`make demo`: every technique on real photographs over HTTP, and a page of the results."""

import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from retinoscope.demo_page import page
from retinoscope.demo_plan import PHOTOGRAPHS, DemoCase, all_photographs, demo_cases, photograph
from retinoscope.stack import Plan, running


@dataclass
class FinishedCase:
    """A job of the demo that has ended."""

    case: DemoCase
    job: dict[str, Any]
    seconds: float
    files: list[str] = field(default_factory=list)

    @property
    def succeeded(self) -> bool:
        return bool(self.job["status"] == "succeeded")


def run_demo(out: Path, port: int) -> bool:
    """Start the stack, run the demo, write the page, stop. Return whether every job succeeded.

    A demo that is interrupted leaves a page of the jobs that have ended.
    """
    console = Console()
    # An exit through SystemExit stops the processes that were started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    out.mkdir(parents=True, exist_ok=True)
    for name in PHOTOGRAPHS:
        (out / f"{name}.png").write_bytes(photograph(name))
    cases, finished = list(demo_cases()), list[FinishedCase]()
    with tempfile.TemporaryDirectory(prefix="retinoscope-") as data:
        console.print("Starting Redis, a worker and the API …")
        plan = Plan("127.0.0.1", port, Path(data))
        with running(plan), httpx2.Client(base_url=plan.address, timeout=60) as client:
            for case in _run_all(client, out, console, cases):
                finished.append(case)
                (out / "index.html").write_text(page(finished, len(cases)), encoding="utf-8")
    failed = [item for item in finished if not item.succeeded]
    for item in failed:
        console.print(f"[red]{item.case.title}: {item.job['status']} {item.job['error']}")
    succeeded = len(finished) - len(failed)
    console.print(f"{succeeded} of {len(finished)} jobs succeeded. Open {out / 'index.html'}")
    return not failed


def _run_all(
    client: httpx2.Client, out: Path, console: Console, cases: Sequence[DemoCase]
) -> Iterator[FinishedCase]:
    """Yield each job as soon as it has ended."""
    columns = (
        TextColumn("{task.description:<60}"),
        BarColumn(bar_width=8),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
    )
    image_set = _image_set(client)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        for number, case in enumerate(cases, 1):
            title = f"{number:>2} of {len(cases)}  {case.title}"
            finished = _run(
                client, out, bars, bars.add_task(title, total=1, note="queued"), case, image_set
            )
            if not console.is_terminal:
                said = f"{title}: {finished.job['status']}, {finished.seconds:.0f} s"
                console.print(said, soft_wrap=True)
            yield finished


def _image_set(client: httpx2.Client) -> str:
    """Make an image set of all photographs; return its id."""
    files = [("image", (path.name, path.read_bytes())) for path in all_photographs()]
    created = client.post(
        "/v1/image-sets", data={"name": "scikit-image"}, files=files
    ).raise_for_status()
    set_id: str = created.json()["id"]
    return set_id


def _run(
    client: httpx2.Client, out: Path, bars: Progress, bar: TaskID, case: DemoCase, image_set: str
) -> FinishedCase:
    began, technique = time.monotonic(), case.technique
    files = {
        name: (f"{other}.png", photograph(other), "image/png")
        for name, other in case.images.items()
    }
    fields = {**case.fields, "seed": "1", "cache": "false"} | (
        {"image_set": image_set} if technique.reads_image_set else {}
    )
    created = client.post(f"/v1/jobs/{technique.name}", files=files, data=fields)
    created.raise_for_status()
    job = _follow(client, created.json(), bars, bar)
    finished = FinishedCase(case, job, time.monotonic() - began)
    if finished.succeeded:
        finished.files = [
            _fetch(client, out, finished, artifact) for artifact in job["result"]["artifacts"]
        ]
    return finished


def _follow(
    client: httpx2.Client, job: dict[str, Any], bars: Progress, bar: TaskID
) -> dict[str, Any]:
    while job["status"] in ("queued", "running"):
        progress = job["progress"] or {"done": 0, "total": 1}
        bars.update(bar, completed=progress["done"], total=progress["total"], note=job["status"])
        time.sleep(0.2)
        job = client.get(job["urls"]["self"]).raise_for_status().json()
    bars.update(bar, completed=1, total=1, note=job["status"])
    return job


def _fetch(
    client: httpx2.Client, out: Path, finished: FinishedCase, artifact: dict[str, Any]
) -> str:
    name = f"{finished.case.stem}-{artifact['name']}"
    (out / name).write_bytes(client.get(artifact["url"]).raise_for_status().content)
    return name
