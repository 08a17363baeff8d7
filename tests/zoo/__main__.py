"""`make zoo`: examine the architectures, compare with the committed results, write the page."""

import argparse
import sys

from tests.zoo import page, results
from tests.zoo.architectures import ARCHITECTURES
from tests.zoo.runs import records


def main() -> int:
    """Run the zoo and return the exit status."""
    asked = _arguments()
    names = asked.names or list(ARCHITECTURES)
    found = results.of_records(
        records(names, asked.jobs, again=asked.again, any_code=asked.any_code, told=_tell)
    )
    before = results.read()
    changed, failed = results.changes(before, found), results.failures(found)
    for sentence in [*changed, *failed]:
        print(sentence)
    if asked.accept and not failed:
        kept = {name: one for name, one in before.items() if name in ARCHITECTURES}
        results.write(dict(sorted((kept | found).items())))
        page.FILE.write_text(page.page(results.read()), encoding="utf-8")
    print(f"{len(found)} architectures, {len(changed)} changes, {len(failed)} failures.")
    return 1 if failed or (changed and not asked.accept) else 0


def _tell(line: str) -> None:
    print(line, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make zoo", description=__doc__)
    parser.add_argument("names", nargs="*", help="architectures; by default all of them")
    parser.add_argument("--jobs", type=int, default=2, help="examinations at a time")
    parser.add_argument("--again", action="store_true", help="also those that were examined")
    parser.add_argument("--any-code", action="store_true", help="take records that other code made")
    parser.add_argument(
        "--accept", action="store_true", help="write results.json and docs/coverage.md"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
