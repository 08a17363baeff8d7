"""Check the size rules: `python -m tests.sizes`.

Files and functions of the packages are bounded above and below, so that neither long files nor
fragments accumulate. Lines are bounded in tests and benchmarks too.
"""

import ast
import io
import sys
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median

PACKAGES = (
    "catalog",
    "imaging",
    "jobs",
    "service",
    "workers",
    "retinoscope",
    "client/retinoscope_client",
)
TREES = (*PACKAGES, "tests", "benchmarks", "client")
# Files that a script writes.
WRITTEN = ("client/retinoscope_client/techniques.py",)

# All in lines. `__init__.py` does not count where files are called small.
FILE_MEDIAN, FILE_MAX = (60, 120), 400
SMALL_FILE, SMALL_SHARE = 30, 0.1
FUNCTION_MEDIAN, FUNCTION_MAX = 8, 50
COLUMNS = 100


def broken_rules() -> list[str]:
    """Return one sentence per broken rule and place."""
    paths = [path for path in _python_files(*PACKAGES) if path.as_posix() not in WRITTEN]
    files = {str(path): len(path.read_text().splitlines()) for path in paths}
    functions = {name: length for path in paths for name, length in _functions(path)}
    modules = {name: n for name, n in files.items() if not name.endswith("__init__.py")}
    return [
        *_too_long(files, FILE_MAX),
        *_too_long(functions, FUNCTION_MAX),
        *_medians(modules, functions),
        *_small_files(modules),
        *_wide_lines(),
    ]


def lines_of_code(path: Path) -> int:
    """Return the number of lines that are not blank, and no comments or docstrings."""
    text = path.read_text()
    prose: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.end_lineno:
            prose |= set(range(node.lineno, node.end_lineno + 1))
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.NAME, tokenize.OP, tokenize.NUMBER, tokenize.STRING):
            code |= set(range(token.start[0], token.end[0] + 1))
    return len(code - prose)


def _too_long(lengths: Mapping[str, int], bound: int) -> list[str]:
    return [f"{name}: {n} lines, at most {bound}" for name, n in lengths.items() if n > bound]


def _medians(modules: Mapping[str, int], functions: Mapping[str, int]) -> list[str]:
    broken = []
    least, most = FILE_MEDIAN
    file, function = median(modules.values()), median(functions.values())
    if not least <= file <= most:
        broken.append(f"median file: {file} lines, {least} to {most}")
    if function > FUNCTION_MEDIAN:
        broken.append(f"median function: {function} lines, at most {FUNCTION_MEDIAN}")
    return broken


def _small_files(modules: Mapping[str, int]) -> list[str]:
    """Return nothing while at most one file in ten is small, otherwise every small file."""
    small = {name: n for name, n in modules.items() if n < SMALL_FILE}
    share = len(small) / len(modules)
    if share <= SMALL_SHARE:
        return []
    summary = f"{share:.0%} of the files have fewer than {SMALL_FILE} lines, at most"
    return [
        f"{summary} {SMALL_SHARE:.0%}:",
        *(f"  {name}: {n} lines" for name, n in small.items()),
    ]


def _wide_lines() -> list[str]:
    return [
        f"{path}:{number}: {len(line)} columns, at most {COLUMNS}"
        for path in _python_files(*TREES)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > COLUMNS
    ]


def _python_files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(Path(folder).rglob("*.py"))


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the name and the length in lines of every function's body, docstring included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            yield f"{path}:{node.name}", node.end_lineno - node.body[0].lineno + 1


if __name__ == "__main__":
    broken = broken_rules()
    print("\n".join(broken) or "All sizes are within the rules.")
    sys.exit(bool(broken))
