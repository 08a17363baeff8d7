"""The measures of the code itself, on a package of two files whose numbers are known."""

from pathlib import Path

import pytest

from benchmarks.house import docstrings, shape
from benchmarks.house.__main__ import table

USER = '''
"""A module."""

from jobs.used import Thing, undocumented


def use() -> None:
    """Use the thing."""
    Thing()
    undocumented()
'''

USED = '''
class Thing:
    """A thing."""

    @property
    def name(self) -> str:
        """The name."""
        return ""

    def values(self) -> list[int]:
        """What it holds."""
        return []


def undocumented() -> None:
    return None
'''


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with one file per package, and two in `jobs`."""
    for package in shape.PACKAGES:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
        (tmp_path / package / "alone.py").write_text("x = 1\n")
    (tmp_path / "jobs" / "user.py").write_text(USER)
    (tmp_path / "jobs" / "used.py").write_text(USED)
    return tmp_path


def test_files_and_functions_are_measured(root: Path) -> None:
    found = shape.measures(root)
    assert found["files"] == "14"
    # Bodies of two, one, one and one lines, without docstrings.
    assert found["lines per function, median / 90 % / most"] == "1 / 2 / 2"
    assert found["files below 30 lines"] == "100%"
    assert found["files of jobs with one importer"] == "33% (median 16 lines)"
    assert found["files of catalog with one importer"] == "0%"


def test_a_docstring_is_a_fragment_unless_it_begins_with_a_verb(root: Path) -> None:
    found = docstrings.measures(root)
    assert found["function docstrings that begin as fragments"] == "67%"
    assert found["the same without properties"] == "50%"
    assert found["public functions and classes with a docstring"] == "80%"
    assert docstrings.fragment_words(root) == {"The": 1, "What": 1}


def test_the_table_has_a_column_per_checkout() -> None:
    lines = table({"before": {"a": "1", "b": "2"}, "after": {"a": "3"}}).splitlines()
    assert lines == [
        "| measure | before | after |",
        "|---|---|---|",
        "| a | 1 | 3 |",
        "| b | 2 | – |",
    ]
