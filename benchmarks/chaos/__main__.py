"""`python -m benchmarks.chaos [--long] [--stock] [--seed N]`."""

import argparse
import sys

from benchmarks.chaos.forms import LONG, SHORT
from benchmarks.chaos.ours import run
from benchmarks.chaos.table import table


def main() -> int:
    """Exit status 1 if anything was lost, doubled or left over."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos")
    parser.add_argument("--long", action="store_true", help="1,000 jobs instead of 150")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    outcome = run(LONG if arguments.long else SHORT, arguments.seed)
    print(table(outcome))
    for name, items in outcome.broken.items():
        print(f"\n{name}: {len(items)}\n  " + "\n  ".join(items[:20]))
    return int(bool(outcome.broken))


if __name__ == "__main__":
    sys.exit(main())
