"""Run it: `python -m benchmarks.chaos [--long] [--stock | --stock-late] [--seed N]`."""

import argparse
import sys

from benchmarks.chaos import ours, stock
from benchmarks.chaos.forms import LONG, SHORT, Form
from benchmarks.chaos.table import stock_table, table


def main() -> int:
    """Return the exit status: 1 if anything was lost, doubled or left over.

    It is always 0 for plain Celery, which promises nothing.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos")
    parser.add_argument("--long", action="store_true", help="1,000 jobs instead of 150")
    parser.add_argument("--seed", type=int, default=1)
    others = parser.add_mutually_exclusive_group()
    others.add_argument(
        "--stock", action="store_true", help="the same on Celery's and Redis's defaults"
    )
    others.add_argument(
        "--stock-late", action="store_true", help="with late acknowledgement and append-only file"
    )
    arguments = parser.parse_args()
    form = LONG if arguments.long else SHORT
    if arguments.stock or arguments.stock_late:
        print(stock_table(stock.run(form, arguments.seed, late=arguments.stock_late)))
        return 0
    return _ours(form, arguments.seed)


def _ours(form: Form, seed: int) -> int:
    outcome = ours.run(form, seed)
    print(table(outcome))
    for name, items in outcome.broken.items():
        print(f"\n{name}: {len(items)}\n  " + "\n  ".join(items[:20]))
    return int(bool(outcome.broken))


if __name__ == "__main__":
    sys.exit(main())
