"""The demo's page: it leads with a grid, has no names of fields, and is whole at any time."""

import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from catalog.registry import techniques
from retinoscope.demo_page import page
from retinoscope.demo_plan import PHOTOGRAPHS, DemoCase, demo_cases
from retinoscope.demo_words import NUMBERS, WHAT_ONE_SEES

NUMBER_OF_CASES = len(list(demo_cases()))


@dataclass
class Ended:
    case: DemoCase
    job: dict[str, Any]
    seconds: float = 1.25
    files: list[str] = field(default_factory=list)


def ended(case: DemoCase, **summary: Any) -> Ended:
    artifacts = [
        {"name": file.name}
        for file in case.technique.artifacts
        if not file.only_with and "{n}" not in file.name
    ]
    job = {"status": "succeeded", "result": {"summary": summary, "artifacts": artifacts}}
    return Ended(case, job, files=[f"{case.stem}-{each['name']}" for each in artifacts])


def results() -> list[Ended]:
    target = {"text": "class:285", "label": "Egyptian <cat>"}
    told = {"target": target, "probability": 0.5, "color_range": [0, 1], "check": {"verdict": "v"}}
    return [ended(case, **told) for case in demo_cases()]


def test_it_leads_with_every_map_of_every_photograph() -> None:
    html = page(results(), NUMBER_OF_CASES)
    grid = html.split("<table>")[1].split("</table>")[0]
    maps = [name for name, each in techniques().items() if "colormap" in each.params.model_fields]
    for photograph in PHOTOGRAPHS:
        for name in maps:
            assert f"src='{photograph}-{name}-overlay.png'" in grid
    assert html.index("<table>") < html.index("<h2")
    assert "Egyptian &lt;cat&gt;, probability 0.50" in grid and "<cat>" not in html


def test_it_says_what_one_sees_of_each_technique_and_explains_the_colours() -> None:
    html = page(results(), NUMBER_OF_CASES)
    assert all(sentence in html for sentence in WHAT_ONE_SEES.values())
    assert set(WHAT_ONE_SEES) <= set(techniques())
    assert "class=legend" in html and "does not see" in html


def test_no_name_of_a_field_and_no_name_of_a_file_is_read() -> None:
    html = page(results(), NUMBER_OF_CASES)
    # The headings of jobs name layers.
    read = re.sub(r"(?s)<style>.*?</style>|<h3>.*?</h3>|<[^>]*>", " ", html)
    assert not re.findall(r"\b[a-z]+_[a-z_]+\b|\.png|\.npy", read)
    assert not [label for _, label in NUMBERS if "_" in label]


@pytest.mark.parametrize("count", [0, 1, 7, NUMBER_OF_CASES])
def test_a_page_of_some_jobs_says_how_many_are_missing(count: int) -> None:
    html = page(results()[:count], NUMBER_OF_CASES)
    assert (f"{count} of {NUMBER_OF_CASES} jobs" in html) is (count < NUMBER_OF_CASES)
    assert html.endswith("</html>")


def test_a_failed_job_shows_its_reason() -> None:
    case = next(demo_cases())
    job = {"status": "failed", "error": {"code": "x", "detail": "The map is <zero>."}}
    html = page([Ended(case, job)], 1)
    assert "The map is &lt;zero&gt;." in html
