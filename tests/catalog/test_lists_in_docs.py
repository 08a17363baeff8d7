"""The README lists the techniques of the catalog. (tests/service checks docs/api.md.)"""

import re
from pathlib import Path

from catalog.registry import techniques

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def names_in_table(page: str, heading: str) -> list[str]:
    """Return the first cells, in backticks, of the first table below a line that has the text."""
    below = page.split(heading, 1)[1]
    table = re.search(r"(?:^\|.*\n)+", below, re.MULTILINE)
    assert table is not None
    return re.findall(r"^\| `(\w+)`", table[0], re.MULTILINE)


def test_the_table_in_the_readme_has_every_technique_and_no_other() -> None:
    assert sorted(names_in_table(README, "## Techniques")) == sorted(techniques())
