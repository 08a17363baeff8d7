"""`python -m tests.sizes`: the size habits of the house, as a check."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

PACKAGES = ("catalog", "jobs", "service", "workers", "retinoscope")
FILE_MEDIAN, FILE_MOST = 120, 400
FUNCTION_MEDIAN, FUNCTION_MOST = 8, 50


def report() -> list[str]:
    """What breaks a habit."""
    files = [path for package in PACKAGES for path in sorted(Path(package).rglob("*.py"))]
    lines = {str(path): len(path.read_text().splitlines()) for path in files}
    bodies = {name: length for path in files for name, length in _functions(path)}
    broken = [
        f"{name}: {length} lines, at most {FILE_MOST}"
        for name, length in lines.items()
        if length > FILE_MOST
    ]
    broken += [
        f"{name}: {n} lines, at most {FUNCTION_MOST}"
        for name, n in bodies.items()
        if n > FUNCTION_MOST
    ]
    if median(lines.values()) > FILE_MEDIAN:
        broken.append(f"median file: {median(lines.values())} lines, at most {FILE_MEDIAN}")
    if median(bodies.values()) > FUNCTION_MEDIAN:
        broken.append(
            f"median function: {median(bodies.values())} lines, at most {FUNCTION_MEDIAN}"
        )
    return broken


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            yield f"{path}:{node.name}", node.end_lineno - node.body[0].lineno + 1


if __name__ == "__main__":
    found = report()
    print("\n".join(found) or "Sizes are as agreed.")
    sys.exit(bool(found))
