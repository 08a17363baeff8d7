"""The progress of a job as a line on the terminal or in a notebook."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

# Called with the `progress` of a job: `done`, `total`, `message`, `eta_s`.
Report = Callable[[Mapping[str, Any]], None]
_WIDTH = 24


def text(title: str, progress: Mapping[str, Any]) -> str:
    """Return a bar as a line of text."""
    done, total = progress["done"], max(progress["total"], 1)
    full = "█" * (_WIDTH * done // total)
    left = progress.get("eta_s")
    note = f", {left:.0f} s left" if left and done < total else ""
    return f"{title} {full:░<{_WIDTH}} {done}/{total} {progress.get('message') or ''}{note}"


@contextmanager
def reporting(title: str, progress: bool | Report) -> Iterator[Report | None]:
    """Return what is called with each progress: the given function, a bar, or nothing.

    A bar is shown where standard error is a terminal or a notebook: of tqdm where it is installed.
    """
    if progress is not True or not (sys.stderr.isatty() or "ipykernel" in sys.modules):
        yield progress if callable(progress) else None
        return
    with _tqdm_bar(title) if find_spec("tqdm") else _plain_bar(title) as report:
        yield report


@contextmanager
def _plain_bar(title: str) -> Iterator[Report]:
    width = 0

    def report(progress: Mapping[str, Any]) -> None:
        nonlocal width
        line = text(title, progress)
        width = max(width, len(line))
        print(f"\r{line:{width}}", end="", file=sys.stderr, flush=True)

    try:
        yield report
    finally:
        if width:
            print(file=sys.stderr)


@contextmanager
def _tqdm_bar(title: str) -> Iterator[Report]:
    from tqdm import tqdm

    with tqdm(desc=title, unit="", dynamic_ncols=True, delay=0.01) as bar:

        def report(progress: Mapping[str, Any]) -> None:
            bar.total, bar.n = progress["total"], progress["done"]
            bar.set_postfix_str(progress.get("message") or "")

        yield report
