"""What the tables of attributions and of steps have in common: their options, and how they are written."""

import argparse
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch

Rows = Callable[[str, argparse.Namespace], Iterator[str]]  # of one network


def parser(doc: str | None, models: Sequence[str]) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--models", nargs="+", default=list(models), choices=list(models))
    made.add_argument("--runs", type=int, default=7)
    made.add_argument("--threads", type=int, default=2)
    made.add_argument("--device", default="cpu")
    made.add_argument("--out", type=Path, help="a table to write")
    made.add_argument("--append", action="store_true", help="to it, without a head")
    return made


def write_table(head: Sequence[str], rows: Rows, options: argparse.Namespace) -> None:
    """Print each row as soon as it is there; all of them go to the file at the end."""
    warnings.filterwarnings("ignore")  # captum's, of gradients that it asks for
    torch.set_num_threads(options.threads)
    lines = [] if options.append else list(head)
    for name in options.models:
        for row in rows(name, options):
            print(row, flush=True)
            lines.append(row)
    if options.out:
        with options.out.open("a" if options.append else "w") as file:
            file.writelines(line + "\n" for line in lines)
