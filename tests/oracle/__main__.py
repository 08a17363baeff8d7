"""An oracle for changes that change nothing: `python -m tests.oracle write DIR`, `compare A B`.

`digest DIR OUT` saves summaries and hashes of a written folder.
"""

import argparse
import sys
import time
from pathlib import Path

from tests.oracle.compare import compare
from tests.oracle.digest import digest
from tests.oracle.write import write


def main() -> int:
    """Do what was asked; the exit status is 1 where something failed or differs."""
    asked = _arguments()
    if asked.verb == "write":
        return _write(asked.first)
    if asked.verb == "compare":
        return _compare(asked.first, asked.second)
    digest(asked.first, asked.second)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.oracle", description=(__doc__ or "").splitlines()[0]
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, help_text, *names in (
        ("write", "run every technique, through the command line", "DIR"),
        ("compare", "compare two written folders; exit status 1 if they differ", "A", "B"),
        ("digest", "write the summaries and hashes of a written folder", "DIR", "OUT"),
    ):
        one = verbs.add_parser(verb, help=help_text)
        for place, name in zip(("first", "second"), names, strict=False):
            one.add_argument(place, type=Path, metavar=name)
    return parser.parse_args()


def _write(folder: Path) -> int:
    began = time.monotonic()
    failed = write(folder)
    print(*failed, sep="\n", end="\n" if failed else "")
    print(f"{'Failed' if failed else 'Written'}, in {time.monotonic() - began:.0f} s.")
    return 1 if failed else 0


def _compare(first: Path, second: Path) -> int:
    found = compare(first, second)
    for note in found.notes:
        print(f"note: {note}")
    for difference in found.differences:
        print(f"DIFFERS: {difference}")
    counts = f"{len(found.differences)} differences, {len(found.notes)} notes"
    print(f"{found.files} files compared: {counts}.")
    return 1 if found.differences else 0


if __name__ == "__main__":
    sys.exit(main())
