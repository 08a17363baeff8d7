"""docs/api.md agrees with the catalog and with the OpenAPI document."""

import json
import re
from pathlib import Path

from catalog.problems import PROBLEMS
from catalog.registry import techniques
from catalog.technique import InputSpec, Params, Technique

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "api.md").read_text()
DOCUMENT = json.loads((ROOT / "openapi" / "openapi.json").read_text())


def row(technique: Technique) -> str:
    """Return the line that the table of techniques must have."""
    traits = default_params(technique).traits()
    cells = [
        f"`{technique.name}`",
        inputs(technique),
        f"`{technique.queue}`",
        yes_or_no(traits.deterministic and not traits.uses_seed),
        yes_or_no(traits.batchable),
        yes_or_no("check" in technique.params.model_fields),
    ]
    return f"| {' | '.join(cells)} |"


def default_params(technique: Technique) -> Params:
    fields = technique.params.model_fields
    required = {
        name: value for name, value in technique.example.items() if fields[name].is_required()
    }
    return technique.params.model_validate(required)


def inputs(technique: Technique) -> str:
    if technique.one_of:
        return " or ".join(f"`{name}`" for name in technique.one_of)
    return ", ".join(map(described, technique.inputs)) or "none"


def described(spec: InputSpec) -> str:
    return f"`{spec.name}`" if spec.required else f"`{spec.name}` (optional)"


def yes_or_no(fact: bool) -> str:
    return "yes" if fact else "no"


def section(title: str) -> str:
    """Return the text below a heading."""
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


def test_the_table_of_techniques_is_that_of_the_catalog() -> None:
    rows = [line for line in section("Techniques").splitlines() if line.startswith("| `")]
    assert rows == [row(technique) for technique in techniques().values()]


def test_every_call_is_in_the_table_of_calls() -> None:
    calls = PAGE.split("\n## ")[0]
    named = {path.partition("?")[0] for path in re.findall(r"/(?:v1/)?[\w/{}?=&.:-]+", calls)}
    paths = set()
    for path in DOCUMENT["paths"]:
        creates_a_job = re.fullmatch(r"/v1/jobs/[a-z_]+", path)
        paths.add("/v1/jobs/{technique}" if creates_a_job else path)
    assert paths <= named


def test_the_techniques_that_check_their_maps_are_named() -> None:
    named = set(re.findall(r"`(\w+)`", section("How far to trust a map").split("also test")[0]))
    checked = {
        name for name, technique in techniques().items() if "check" in technique.params.model_fields
    }
    assert checked <= named


def codes(cell: str) -> dict[str, int | None]:
    """Return the codes of a cell, each with the status in front of it or of those before it."""
    status, found = None, dict[str, int | None]()
    for number, code in re.findall(r"\b(\d{3})\b|`(\w+)`", cell):
        if number:
            status = int(number)
        else:
            assert code not in found
            found[code] = status
    return found


def tables_of_codes() -> list[dict[str, dict[str, int | None]]]:
    """Return both tables of the section on errors: the codes by the text of the first cell."""
    tables = re.findall(r"\| --- \| --- \|\n((?:\|.*\n)+)", section("Errors"))
    rows = [[line.strip("| ").split(" | ") for line in table.splitlines()] for table in tables]
    return [{subject: codes(cell) for subject, cell in table} for table in rows]


def test_every_code_is_listed_once_with_its_status() -> None:
    listed = [row.items() for table in tables_of_codes() for row in table.values()]
    assert sorted(code for row in listed for code, _ in row) == sorted(PROBLEMS)
    assert {code: status for row in listed for code, status in row} == {
        code: problem.status for code, problem in PROBLEMS.items()
    }


def test_the_codes_that_are_retryable_are_those_of_the_catalog() -> None:
    _, failures = tables_of_codes()
    for subject, row in failures.items():
        assert {PROBLEMS[code].retryable for code in row} == {subject == "retryable"}
