"""Sizes of files, functions and lines, and how many files have a single importer.

Only the packages are measured, without tests and benchmarks. A function's body is counted without
its docstring.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean, median

PACKAGES = ("catalog", "imaging", "jobs", "service", "workers", "retinoscope")
SMALL_FILE, WIDE_LINE = 30, 100

Function = ast.FunctionDef | ast.AsyncFunctionDef


def measures(root: Path) -> dict[str, str]:
    """Return the measures of a checkout's shape, by what they say."""
    paths = modules(root)
    texts = {path: path.read_text() for path in paths}
    files = [len(text.splitlines()) for text in texts.values()]
    proper = [len(texts[path].splitlines()) for path in paths if path.name != "__init__.py"]
    bodies = [body_lines(node) for text in texts.values() for node in functions(text)]
    lines = [line for text in texts.values() for line in text.splitlines() if line.strip()]
    wide = sum(len(line) > WIDE_LINE for line in lines)
    small = sum(n < SMALL_FILE for n in proper)
    found = {
        "files": str(len(files)),
        "lines": f"{sum(files):,}",
        "lines per file, median / 90 % / most": spread(files),
        "lines per function, median / 90 % / most": spread(bodies),
        f"files below {SMALL_FILE} lines": f"{small / len(proper):.0%}",
        "columns per line, mean": f"{mean(map(len, lines)):.1f}",
        f"lines above {WIDE_LINE} columns": f"{wide / len(lines):.1%}",
    }
    return found | _single_importers(root, texts)


def modules(root: Path) -> list[Path]:
    """Return every Python file of the packages."""
    return [path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]


def functions(text: str) -> Iterator[Function]:
    """Yield every function and method of a file, nested ones too."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, Function):
            yield node


def body_lines(node: Function) -> int:
    """Return the length of a function's body without its docstring."""
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    return 0 if not body else (body[-1].end_lineno or 0) - body[0].lineno + 1


def spread(values: Sequence[int]) -> str:
    """Return median, nine tenths and maximum."""
    ordered = sorted(values)
    return f"{median(ordered):.0f} / {ordered[int(0.9 * len(ordered))]} / {ordered[-1]}"


def _single_importers(root: Path, texts: dict[Path, str]) -> dict[str, str]:
    """Return by package the share of its files that exactly one other file imports."""
    names = {path: _module_name(root, path) for path in texts}
    known = set(names.values())
    importers: dict[str, set[str]] = defaultdict(set)
    for path, text in texts.items():
        for imported in _imports(text, known) - {names[path]}:
            importers[imported].add(names[path])
    found = {}
    for package in PACKAGES:
        own = [path for path in texts if path.relative_to(root).parts[0] == package]
        proper = [path for path in own if path.name != "__init__.py"]
        single = [path for path in proper if len(importers[names[path]]) == 1]
        sizes = [len(texts[path].splitlines()) for path in single]
        size = f" (median {median(sizes):.0f} lines)" if sizes else ""
        found[f"files of {package} with one importer"] = f"{len(single) / len(proper):.0%}{size}"
    return found


def _imports(text: str, known: set[str]) -> set[str]:
    """Return the modules of the packages that a file imports, wherever the statement stands."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from package import module` imports the module, `from module import name` does not.
            found |= {f"{node.module}.{alias.name}" for alias in node.names} & known
            found |= {node.module}
    return found & known


def _module_name(root: Path, path: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
