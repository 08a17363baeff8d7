"""Print the measures of one or more checkouts as a Markdown table, one column each.

    python -m benchmarks.house before=../retinoscope-f98e178 after=.

`--words` lists the first words of docstrings that count as fragments, to check the rule.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.house import docstrings, shape

_WALKS = Path(__file__).with_name("walks.py")


def main() -> None:
    """Measure each checkout, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.house", description=__doc__)
    parser.add_argument("checkouts", nargs="*", default=["now=."], metavar="NAME=FOLDER")
    parser.add_argument("--words", action="store_true", help="first words that count as fragments")
    arguments = parser.parse_args()
    named = [checkout.split("=", 1) for checkout in arguments.checkouts]
    if arguments.words:
        for name, folder in named:
            words = docstrings.fragment_words(Path(folder)).most_common()
            print(f"{name}: " + ", ".join(f"{word} {count}" for word, count in words))
        return
    columns = {name: measures(Path(folder)) for name, folder in named}
    print(table(columns))


def measures(root: Path) -> dict[str, str]:
    """Return all measures of a checkout, by what they say."""
    return shape.measures(root) | docstrings.measures(root) | walked(root)


def walked(root: Path) -> dict[str, str]:
    """Run the walks in a process of their own, which imports the code of that checkout."""
    environment = os.environ | {"PYTHONPATH": str(root.resolve())}
    done = subprocess.run(
        [sys.executable, str(_WALKS)],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


def table(columns: dict[str, dict[str, str]]) -> str:
    """Return a Markdown table with a row per measure and a column per checkout."""
    rows = list(dict.fromkeys(row for found in columns.values() for row in found))
    lines = ["| measure | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    for row in rows:
        values = " | ".join(found.get(row, "–") for found in columns.values())
        lines.append(f"| {row} | {values} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
