"""Options and Markdown tables that the benchmarks of attributions and of steps share."""

import argparse
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch

# Yields the rows of one network.
Rows = Callable[[str, argparse.Namespace], Iterator[str]]


def parser(doc: str | None, models: Sequence[str]) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--models", nargs="+", default=list(models), choices=list(models))
    made.add_argument("--runs", type=int, default=7)
    made.add_argument("--threads", type=int, default=2)
    made.add_argument("--device", default="cpu")
    made.add_argument("--out", type=Path, help="a table to write")
    made.add_argument("--append", action="store_true", help="append to it, without a head")
    return made


def write_table(head: Sequence[str], rows: Rows, options: argparse.Namespace) -> None:
    """Print each row as soon as it is measured, and write all rows to the file at the end."""
    # captum warns of gradients that it asks for itself.
    warnings.filterwarnings("ignore")
    torch.set_num_threads(options.threads)
    lines = [] if options.append else list(head)
    for name in options.models:
        for row in rows(name, options):
            print(row, flush=True)
            lines.append(row)
    if options.out:
        with options.out.open("a" if options.append else "w") as file:
            file.writelines(line + "\n" for line in lines)
