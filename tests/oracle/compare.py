"""Compares two folders of the oracle: what must be the same, what may be said in other words."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.oracle.png import chunks, decoded
from tests.oracle.write import INPUTS, MADE_ON

# Texts for people, and versions: another wording is told, and is no difference.
PROSE = frozenset({"verdict", "units", "note", "caption", "retinoscope", "torch"})
# Keys of measured times: no two runs agree.
TIMES = ("_s", "_ms", "_at")
_MISSING = object()
_SHOWN = 400


@dataclass
class Comparison:
    """What was found."""

    differences: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: int = 0


def compare(first: Path, second: Path) -> Comparison:
    """Every file of both folders, inputs included."""
    found = Comparison()
    names = sorted(_files(first) | _files(second))
    for name in names:
        one, other = first / name, second / name
        if not one.exists() or not other.exists():
            found.differences.append(f"{name}: only in {first if one.exists() else second}")
        else:
            found.files += 1
            _compare_files(name, one.read_bytes(), other.read_bytes(), found)
    if not names:
        found.differences.append("There is nothing to compare.")
    return found


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def _compare_files(name: str, one: bytes, other: bytes, found: Comparison) -> None:
    if one == other:
        return
    if name == MADE_ON:
        found.notes += _json_differences(name, one, other, found)
    elif name.endswith(".json"):
        found.differences += _json_differences(name, one, other, found)
    elif name.endswith(".png") and not name.startswith(f"{INPUTS}/"):
        found.differences += _png_differences(name, one, other)
    elif name.endswith(".npy"):
        found.differences.append(f"{name}: {_array_difference(_array(one), _array(other))}")
    else:
        found.differences.append(f"{name}: other bytes ({len(one)} and {len(other)})")


def _json_differences(name: str, one: bytes, other: bytes, found: Comparison) -> list[str]:
    differences: list[str] = []
    unequal = list(_unequal(json.loads(one), json.loads(other)))
    if not unequal:
        found.notes.append(f"{name}: same values, written otherwise")
    for place, key, old, new in unequal:
        told = f"{name} {place or '/'}: {_text(old)} → {_text(new)}"
        if key in PROSE and isinstance(old, str) and isinstance(new, str):
            found.notes.append(told)
        elif not key.endswith(TIMES):
            differences.append(told)
    return differences


def _unequal(
    one: Any, other: Any, place: str = "", key: str = ""
) -> Iterator[tuple[str, str, Any, Any]]:
    """Place, nearest key, and both values, of every leaf that differs; 1 and 1.0 differ, too."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in (*one, *(name for name in other if name not in one)):
            yield from _unequal(
                one.get(name, _MISSING), other.get(name, _MISSING), f"{place}/{name}", name
            )
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for i, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _unequal(left, right, f"{place}/{i}", key)
    elif type(one) is not type(other) or one != other:
        yield place, key, one, other


def _text(value: Any) -> str:
    text = "nothing" if value is _MISSING else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _png_differences(name: str, one: bytes, other: bytes) -> list[str]:
    """Of pixels, else of chunks that are no texts."""
    left, right = decoded(one), decoded(other)
    if (left.mode, left.size) != (right.mode, right.size):
        return [f"{name}: {left.mode} {left.size} → {right.mode} {right.size}"]
    if left.tobytes() != right.tobytes():
        return [f"{name}: pixels, {_array_difference(_levels(left), _levels(right))}"]
    before, after = chunks(one), chunks(other)
    if before == after:
        return []
    kinds = [b" ".join(kind for kind, _ in each).decode() for each in (before, after)]
    return [f"{name}: same pixels, other chunks: {kinds[0]} → {kinds[1]}"]


def _levels(picture: Image.Image) -> NDArray[np.int64]:
    return np.asarray(picture).astype(np.int64)


def _array(data: bytes) -> NDArray[Any]:
    array: NDArray[Any] = np.load(io.BytesIO(data), allow_pickle=False)
    return array


def _array_difference(one: NDArray[Any], other: NDArray[Any]) -> str:
    """How unlike two arrays are, in words."""
    if (one.dtype, one.shape) != (other.dtype, other.shape):
        return f"{one.dtype} {one.shape} → {other.dtype} {other.shape}"
    apart = np.abs(one.astype(np.float64) - other.astype(np.float64))
    changed = int(np.count_nonzero(one != other))
    if not changed:
        return "same numbers, other bytes"
    most, largest = apart.max(), np.abs(one.astype(np.float64)).max()
    return (
        f"{changed} of {one.size} values, by {most:.3g} at most; the largest value is {largest:.3g}"
    )
