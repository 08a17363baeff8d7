"""A checkpoint is loaded only by the work that it belongs to."""

import io
from typing import Any

import pytest
import torch

from workers.toolkit.execution.checkpoint import dump, load

VALUES = {"step": 3, "parameters": [torch.arange(4.0)], "rest": {"loss": 0.5, "previous": None}}


def same(values: dict[str, Any]) -> dict[str, Any]:
    return values


@pytest.mark.parametrize("plan", [None, [100, 50]])
def test_the_values_come_back(plan: list[int] | None) -> None:
    loaded = load(dump(VALUES, 2, plan), same, 2, plan)
    assert loaded is not None and loaded.keys() == VALUES.keys()
    assert torch.equal(loaded["parameters"][0], torch.arange(4.0))
    assert (loaded["step"], loaded["rest"]) == (3, VALUES["rest"])


@pytest.mark.parametrize(
    ("format_", "plan"), [(1, [100, 50]), (2, [100, 51]), (2, [100]), (2, []), (2, None)]
)
def test_another_format_or_plan_is_refused(
    format_: int, plan: list[int] | None, caplog: pytest.LogCaptureFixture
) -> None:
    assert load(dump(VALUES, 2, [100, 50]), same, format_, plan) is None
    assert [record.message for record in caplog.records] == [
        "the checkpoint cannot be used; beginning anew"
    ]


def test_what_cannot_be_parsed_is_refused() -> None:
    assert load(dump({"scores": 5}, 1), lambda values: len(values["scores"]), 1) is None
    assert load(dump(VALUES, 1)[:-100], same, 1) is None


@pytest.mark.parametrize(
    ("header", "plan"), [({"format": 2}, None), ({"plan": [[2, 100], [2, 50]]}, [100, 50])]
)
def test_the_header_is_the_one_of_earlier_versions(
    header: dict[str, Any], plan: list[int] | None
) -> None:
    buffer = io.BytesIO()
    torch.save({"step": 3} | header, buffer)
    assert load(buffer.getvalue(), same, 2, plan) == {"step": 3}
    written = torch.load(io.BytesIO(dump({"step": 3}, 2, plan)), weights_only=True)
    assert written == {"step": 3} | header
