"""One table of error codes: whatever code is written anywhere is in it, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.problems import PROBLEMS

ROOT = Path(__file__).parents[2]
PACKAGES = ("catalog", "imaging", "jobs", "service", "workers", "retinoscope")
TABLE = ROOT / "catalog" / "problems.py"
TREES = {
    file: ast.parse(file.read_text(encoding="utf-8"))
    for package in PACKAGES
    for file in sorted((ROOT / package).rglob("*.py"))
    if file != TABLE
}
LUA = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "jobs").rglob("*.lua"))
FAILS = re.findall(r"fail\('(\w+)', '([^']+)', \w+, (true|false)\)", LUA)


def test_every_code_that_is_used_is_in_the_table() -> None:
    used = set(_codes_of_classes()) | set(_codes_of_calls()) | {code for code, _, _ in FAILS}
    assert len(used) > 70  # the search finds what is written
    assert used - PROBLEMS.keys() == set()


def test_every_code_in_the_table_is_used() -> None:
    written = {
        node.value
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert PROBLEMS.keys() - written - {code for code, _, _ in FAILS} == set()


@pytest.mark.parametrize(("code", "title", "retryable"), FAILS)
def test_a_script_writes_what_the_table_says(code: str, title: str, retryable: str) -> None:
    assert (PROBLEMS[code].title, PROBLEMS[code].retryable) == (title, retryable == "true")


def test_both_errors_that_scripts_write_were_found() -> None:
    assert {code for code, _, _ in FAILS} == {"deadline_exceeded", "poisoned"}


@pytest.mark.parametrize("code", PROBLEMS)
def test_a_title_is_a_phrase_and_a_code_has_a_status_of_an_error(code: str) -> None:
    problem = PROBLEMS[code]
    assert problem.title[0].isupper() and not problem.title.endswith(".")
    assert problem.status is None or 400 <= problem.status < 600


def _codes_of_classes() -> Iterator[str]:
    """Find `code = "…"` in the bodies of classes."""
    for cls in _classes():
        for node in cls.body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "code":
                yield _text(node.value)


def _codes_of_calls() -> Iterator[str]:
    """Find `Problem("…")`, with its subclasses, and `JobError(code="…")`."""
    problems = _problem_classes()
    for tree in TREES.values():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", "")
            passes_its_code_on = not problems.get(name, ["of its own"])
            if passes_its_code_on and node.args and isinstance(node.args[0], ast.Constant):
                yield _text(node.args[0])
            if name == "JobError":
                yield from (
                    _text(keyword.value)
                    for keyword in node.keywords
                    if keyword.arg == "code" and isinstance(keyword.value, ast.Constant)
                )
    for codes in problems.values():
        yield from codes


def _problem_classes() -> dict[str, list[str]]:
    """Return Problem and its subclasses, each with the codes that it gives to its base."""
    found: dict[str, list[str]] = {"Problem": []}
    for _ in range(3):  # levels of subclasses
        for cls in _classes():
            if any(getattr(base, "id", "") in found for base in cls.bases):
                found[cls.name] = [
                    _text(node.args[0])
                    for node in ast.walk(cls)
                    if isinstance(node, ast.Call)
                    and getattr(node.func, "attr", "") == "__init__"
                    and node.args
                    and isinstance(node.args[0], ast.Constant)
                ]
    return found


def _classes() -> Iterator[ast.ClassDef]:
    for tree in TREES.values():
        yield from (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def _text(node: ast.expr) -> str:
    assert isinstance(node, ast.Constant) and isinstance(node.value, str)
    return node.value
