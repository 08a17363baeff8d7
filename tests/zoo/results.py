"""The committed results of the zoo: what each architecture did, without times and tracebacks."""

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("results.json")
KEPT = (
    "side", "loaded", "layers", "maps", "fields", "rectifiers", "techniques", "map_layer", "depth",
    "engine", "errors",
)  # fmt: skip
ERRORS = ("logits", "gradient", "layers")

Results = dict[str, dict[str, Any]]


def of_records(records: Results) -> Results:
    """Return what is committed of the records, with errors of two digits."""
    return {name: _of_record(record) for name, record in sorted(records.items())}


def read() -> Results:
    """Return the committed results; none before the first run."""
    if not FILE.exists():
        return {}
    found: Results = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def write(results: Results) -> None:
    """Commit the results to the file."""
    FILE.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def changes(before: Results, after: Results) -> list[str]:
    """Return a sentence for each status that differs from the committed one."""
    told = []
    for name in sorted(before.keys() & after.keys()):
        old, new = _statuses(before[name]), _statuses(after[name])
        for key in sorted(old.keys() | new.keys()):
            if old.get(key) != new.get(key):
                told.append(f"{name}, {key}: {old.get(key)} before, {new.get(key)} now")
    return told


def failures(results: Results) -> list[str]:
    """Return a sentence for each result that no architecture may have."""
    told = []
    for name, result in results.items():
        for key, status in _statuses(result).items():
            if str(status).startswith("FAILED"):
                told.append(f"{name}, {key}: {status}")
        if result.get("depth", 1.0) < 0.5:
            told.append(
                f"{name}: the default map, {result['map_layer']!r}, lies at {result['depth']:.0%}"
            )
        double = result.get("errors", {}).get("float64", {})
        told += [
            f"{name}: {what} differ by {double[what]:.0e} in float64"
            for what in ERRORS
            if double and not double[what] < 1e-9
        ]
    return told


def _statuses(result: dict[str, Any]) -> dict[str, Any]:
    return {"loaded": result["loaded"], **result.get("techniques", {})} | {
        key: result[key] for key in ("map_layer",) if key in result
    }


def _of_record(record: dict[str, Any]) -> dict[str, Any]:
    kept = {key: record[key] for key in KEPT if key in record}
    if "errors" in kept:
        kept["errors"] = {
            precision: {what: float(f"{found[what]:.1e}") for what in ERRORS}
            for precision, found in record["errors"].items()
        }
    return kept
