"""Run photographs as one batch whose worker is killed twice: `python -m benchmarks.batch`.

A real stack runs with one worker. Crops of the photographs of scikit-image become an image set, and
saliency of it one batch in each mode; `--kills` times the worker gets SIGKILL on the way. The
manifest must have every image once, and rows that are drawn at random must equal single jobs with
their seeds: in exact mode byte for byte, otherwise to 1e-5 of the largest value. Then a batch and
single jobs of the same images, which wait at the same time, are timed in turn. `--out` writes a
table.
"""

import argparse
import io
import json
import os
import random
import signal
import tempfile
import time
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from retinoscope.demo_plan import all_photographs
from retinoscope.redis_server import free_port
from retinoscope.stack import Plan, Stack, running

TOLERANCE = 1e-5
FILES = ("heatmap.png", "overlay.png", "values.npy")
PATIENCE_S = 3600.0
_UPLOADED_AT_ONCE = 250


def main() -> None:
    options = _options()
    draw = random.Random(options.seed)
    plan = Plan("127.0.0.1", free_port(), Path(tempfile.mkdtemp(prefix="batch-")))
    with running(plan) as stack, httpx.Client(base_url=plan.address, timeout=120) as client:
        run = Run(stack, client, options.kills)
        lines = []
        for mode in options.modes:
            image_set = run.image_set(crops(options.images, draw))
            batch = run.killed(image_set, exact=mode == "exact")
            worst = run.compare(batch, draw, options.drawn)
            counts, attempts = batch["counts"], batch["attempts"]
            lines.append(
                f"| {mode} | {counts['total']} | {counts['succeeded']} | {attempts - 1} | "
                f"{options.drawn} | {worst} |"
            )
            print(lines[-1], flush=True)
        seconds = run.timed(run.image_set(crops(options.timed, draw)), options.rounds)
        _write(options, lines, seconds)


def crops(count: int, draw: random.Random) -> list[bytes]:
    """Return JPEGs of random parts of the photographs, each 224 to 448 pixels a side."""
    photographs = [Image.open(path).convert("RGB") for path in all_photographs()]
    large = [photograph for photograph in photographs if min(photograph.size) >= 300]
    made = []
    for number in range(count):
        photograph = large[number % len(large)]
        side = draw.randint(224, min(448, *photograph.size))
        left, top = (draw.randint(0, length - side) for length in photograph.size)
        buffer = io.BytesIO()
        photograph.crop((left, top, left + side, top + side)).save(buffer, "JPEG", quality=92)
        made.append(buffer.getvalue())
    return made


class Run:
    """What is asked of one stack."""

    def __init__(self, stack: Stack, client: httpx.Client, kills: int) -> None:
        self._stack = stack
        self._client = client
        self._kills = kills

    def image_set(self, images: list[bytes]) -> str:
        """Store the images as a set and return its id."""
        made = self._sent(self._client.post("/v1/image-sets"))
        for start in range(0, len(images), _UPLOADED_AT_ONCE):
            archive = io.BytesIO()
            with zipfile.ZipFile(archive, "w") as zipped:
                for number, data in enumerate(images[start : start + _UPLOADED_AT_ONCE], start):
                    zipped.writestr(f"{number}.jpg", data)
            self._sent(self._client.post(made["urls"]["images"], files={"zip": archive.getvalue()}))
        return str(made["id"])

    def killed(self, image_set: str, *, exact: bool) -> dict[str, Any]:
        """Return a batch that has succeeded although its worker was killed on the way."""
        batch = self._create(image_set, exact=exact, outputs=list(FILES))
        total = batch["counts"]["total"]
        for kill in range(self._kills):
            wanted = total * (kill + 1) // (self._kills + 1)
            batch = self._until(batch, lambda now, wanted=wanted: now["counts"]["done"] >= wanted)
            self._kill_worker()
            print(f"killed the worker at {batch['counts']['done']} of {total}", flush=True)
        batch = self._until(batch, _has_ended)
        assert batch["status"] == "succeeded", batch["error"]
        assert batch["attempts"] == self._kills + 1, batch["attempts"]
        self._check_manifest(batch, image_set)
        return batch

    def compare(self, batch: dict[str, Any], draw: random.Random, drawn: int) -> str:
        """Compare rows with single jobs. Return the largest difference that was found."""
        worst = 0.0
        for row in draw.sample(self._rows(batch), drawn):
            fields = {**batch["params"], "seed": row["seed"], "image": row["image"], "cache": False}
            single = self._sent(self._client.post("/v1/jobs/saliency", json=fields))
            single = self._until(single, _has_ended)
            assert single["status"] == "succeeded", single["error"]
            ours = {name: self._bytes(_item(batch, row, name)) for name in FILES}
            theirs = {name: self._bytes(_artifact(single, name)) for name in FILES}
            if batch["exact"]:
                assert ours == theirs, row
            values, expected = (np.load(io.BytesIO(data["values.npy"])) for data in (ours, theirs))
            difference = float(np.abs(values - expected).max() / np.abs(expected).max())
            assert difference <= TOLERANCE, (row, difference)
            worst = max(worst, difference)
        return "same bytes" if batch["exact"] else f"{worst:.1e}"

    def timed(self, image_set: str, rounds: int) -> dict[str, float]:
        """Return seconds per image, the median of some rounds of all kinds in turn."""
        page = self._sent(self._client.get(f"/v1/image-sets/{image_set}/images?limit=100"))
        ids = [image["id"] for image in page["items"]]
        kinds: dict[str, Callable[[], float]] = {
            "batch": lambda: self._time_batch(image_set, exact=False),
            "batch, exact": lambda: self._time_batch(image_set, exact=True),
            "single jobs at once": lambda: self._time_jobs(ids),
        }
        found: dict[str, list[float]] = {kind: [] for kind in kinds}
        for _ in range(rounds):
            for kind, measure in kinds.items():
                found[kind].append(measure() / len(ids))
        return {kind: float(np.median(times)) for kind, times in found.items()}

    def _time_batch(self, image_set: str, *, exact: bool) -> float:
        batch = self._create(image_set, exact=exact, outputs=list(FILES))
        batch = self._until(batch, _has_ended)
        return _moment(batch["finished_at"]) - _moment(batch["started_at"])

    def _time_jobs(self, ids: list[str]) -> float:
        posts = ({"image": image, "cache": False} for image in ids)
        jobs = [self._sent(self._client.post("/v1/jobs/saliency", json=post)) for post in posts]
        ended = [self._until(job, _has_ended) for job in jobs]
        assert all(job["status"] == "succeeded" for job in ended)
        first = min(_moment(job["started_at"]) for job in ended)
        return max(_moment(job["finished_at"]) for job in ended) - first

    def _create(self, image_set: str, **fields: Any) -> dict[str, Any]:
        sent = {"technique": "saliency", "image_set": image_set, **fields}
        return self._sent(self._client.post("/v1/batches", json=sent))

    def _check_manifest(self, batch: dict[str, Any], image_set: str) -> None:
        total, ids = batch["counts"]["total"], []
        for start in range(0, total, 100):
            query = {"cursor": str(start), "limit": "100"}
            page = self._sent(self._client.get(f"/v1/image-sets/{image_set}/images", params=query))
            ids += [image["id"] for image in page["items"]]
        rows = self._rows(batch)
        assert [row["index"] for row in rows] == list(range(total))
        assert [row["image"] for row in rows] == ids
        assert all(row["status"] == "succeeded" and len(row["files"]) == 4 for row in rows)

    def _rows(self, batch: dict[str, Any]) -> list[dict[str, Any]]:
        lines = self._bytes(f"{batch['urls']['artifacts']}/manifest.jsonl").splitlines()
        return [json.loads(line) for line in lines]

    def _kill_worker(self) -> None:
        [worker] = [child for child in self._stack.children if child.name.startswith("worker")]
        assert worker.pid is not None
        os.killpg(worker.pid, signal.SIGKILL)

    def _until(
        self, found: dict[str, Any], true: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any]:
        """Poll a batch or a job until that is true of it, and restart what was killed."""
        deadline = time.monotonic() + PATIENCE_S
        while not true(found):
            assert time.monotonic() < deadline, found
            self._stack.watch()
            time.sleep(0.2)
            found = self._sent(self._client.get(found["urls"]["self"]))
        return found

    def _bytes(self, url: str) -> bytes:
        return self._client.get(url).raise_for_status().content

    @staticmethod
    def _sent(answer: httpx.Response) -> dict[str, Any]:
        assert answer.is_success, answer.text
        body: dict[str, Any] = answer.json()
        return body


def _has_ended(found: dict[str, Any]) -> bool:
    return found["status"] in ("succeeded", "failed", "canceled")


def _item(batch: dict[str, Any], row: dict[str, Any], name: str) -> str:
    return f"{batch['urls']['self']}/items/{row['image']}/{name}"


def _artifact(job: dict[str, Any], name: str) -> str:
    return f"{job['urls']['self']}/artifacts/{name}"


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _write(options: argparse.Namespace, lines: list[str], seconds: dict[str, float]) -> None:
    timed = [f"| {kind} | {time_s * 1000:.0f} |" for kind, time_s in seconds.items()]
    print("\n".join(timed))
    if options.out:
        head = ["| mode | images | succeeded | kills | drawn rows | difference to single jobs |"]
        rule = ["| --- | --- | --- | --- | --- | --- |"]
        times = ["", f"| {options.timed} images, saliency | ms per image |", "| --- | --- |"]
        options.out.write_text("\n".join([*head, *rule, *lines, *times, *timed]) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--modes", nargs="+", choices=("together", "exact"))
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--drawn", type=int, default=20)
    parser.add_argument("--timed", type=int, default=64, help="at most 100")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    parser.set_defaults(modes=["together", "exact"])
    return parser.parse_args()


if __name__ == "__main__":
    main()
