"""A small version of a written folder: what each run said, and hashes of what it left."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.oracle.png import decoded, pixels_sha256
from tests.oracle.runs import Run, runs
from tests.oracle.write import MADE_ON

_SMALL_JSON = 6_000  # bytes
_SMALL_ARRAY = 2_048  # values


def digest(folder: Path, out: Path) -> None:
    """Write one JSON file per run, and those arrays that are small."""
    out.mkdir(parents=True, exist_ok=True)
    (out / MADE_ON).write_bytes((folder / MADE_ON).read_bytes())
    for one_round in runs():
        for run in one_round:
            told = _told(run, folder / run.name, out)
            text = json.dumps(told, indent=1, ensure_ascii=False)
            (out / f"{run.name}.json").write_text(text + "\n")


def _told(run: Run, folder: Path, out: Path) -> dict[str, Any]:
    files = sorted(path for path in folder.iterdir() if path.name != "result.json")
    return {
        "arguments": list(run.arguments),
        "result": json.loads((folder / "result.json").read_bytes()),
        "artifacts": {
            path.name: _artifact(path, out / f"{run.name}.{path.name}") for path in files
        },
    }


def _artifact(path: Path, copy: Path) -> dict[str, Any]:
    """Its size, and a hash of what `compare` compares. Small arrays are copied, small JSON told."""
    data = path.read_bytes()
    told: dict[str, Any] = {"bytes": len(data)}
    if path.suffix == ".png":
        picture = decoded(data)
        return told | {
            "size": list(picture.size),
            "mode": picture.mode,
            "pixels_sha256": pixels_sha256(picture),
        }
    told["sha256"] = hashlib.sha256(data).hexdigest()
    if path.suffix == ".npy":
        array = np.load(io.BytesIO(data), allow_pickle=False)
        told |= {"shape": list(array.shape), "dtype": str(array.dtype)}
        if array.size <= _SMALL_ARRAY:
            copy.write_bytes(data)
            told["file"] = copy.name
    elif path.suffix == ".json" and len(data) <= _SMALL_JSON:
        told["content"] = json.loads(data)
    elif path.suffix == ".webp":
        with Image.open(io.BytesIO(data)) as film:
            told |= {"size": list(film.size), "frames": getattr(film, "n_frames", 1)}
    return told
