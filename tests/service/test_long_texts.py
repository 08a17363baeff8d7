"""A text of any length is compared and repeated by its beginning only."""

import json
from typing import Any

import httpx
import pytest

from catalog import class_hints, errors
from catalog.class_hints import classes_near
from catalog.errors import MOST_DETAIL, MOST_SHOWN, near_matches, shown
from service.problems import Problem
from tests.service.asking import refused

LONG = "resnet18" * 250_000
STORED = f"sha256:{'0' * 64}"
URLENCODED = "application/x-www-form-urlencoded"
MOST_ANSWERED = 10_000  # bytes


def answered(answer: httpx.Response, code: str) -> dict[str, Any]:
    """Return the problem document, which is short however long the request was."""
    problem = refused(answer, answer.status_code, code)
    assert answer.status_code in (400, 404, 415, 422)
    assert len(answer.content) < MOST_ANSWERED
    return problem


@pytest.mark.parametrize(
    ("path", "fields", "code"),
    [
        ("/v1/jobs/predict", {"image": STORED, "model": LONG}, "unknown_model"),
        ("/v1/jobs/predict", {"image": STORED, "model": f"timm:{LONG}"}, "unknown_model"),
        ("/v1/jobs/predict", {"image": STORED, LONG: 1}, "invalid_parameters"),
        ("/v1/jobs/predict", {"image": STORED, f"{LONG}/~": 1}, "invalid_parameters"),
        ("/v1/jobs/predict", {"image": LONG}, "unknown_image"),
        ("/v1/jobs/predict", {"image": f"data:{LONG}"}, "invalid_parameters"),
        ("/v1/jobs/saliency", {"image": STORED, "target": LONG}, "invalid_parameters"),
        ("/v1/jobs/saliency", {"image": STORED, "seed": "1" * 2_000_000}, "invalid_parameters"),
        ("/v1/jobs/fooling", {"goal": "7", "transfer_model": LONG}, "invalid_parameters"),
        ("/v1/models/resnet18/predict", {"image": STORED, "model": LONG}, "invalid_parameters"),
        ("/v1/images", {LONG: 1}, "image_missing"),
        ("/v1/image-sets", {"name": LONG}, "invalid_parameters"),
        ("/v1/image-sets", {LONG: 1}, "invalid_parameters"),
        ("/v1/image-sets", {"ids": [LONG]}, "unknown_image"),
        ("/v1/image-sets", {"ids": "a " * 1_000_000}, "invalid_parameters"),
    ],
)
def test_a_long_text_in_json(
    own: httpx.Client, path: str, fields: dict[str, Any], code: str
) -> None:
    answered(own.post(path, json=fields), code)


@pytest.mark.parametrize(
    "body", [f"{LONG}=1", f"{LONG}=1&{LONG}=1", f"model={LONG}", f"image=data:{LONG}"]
)
def test_a_long_text_in_a_form(own: httpx.Client, body: str) -> None:
    answer = own.post("/v1/jobs/predict", content=body, headers={"Content-Type": URLENCODED})
    assert answered(answer, answer.json()["code"])


@pytest.mark.parametrize("kind", [URLENCODED, "application/json"])
def test_a_long_charset(own: httpx.Client, kind: str) -> None:
    headers = {"Content-Type": f"{kind}; charset={LONG[:60_000]}"}
    answered(own.post("/v1/jobs/predict", content="{}", headers=headers), "invalid_request")


@pytest.mark.parametrize(
    "address",
    [
        "/v1/jobs/{}",
        "/v1/models/{}",
        "/v1/techniques/{}",
        "/v1/jobs?technique={}",
        "/v1/jobs?model={}",
        "/v1/jobs?{}=1",
        "/v1/jobs?cursor={}",
    ],
)
def test_a_long_address(own: httpx.Client, address: str) -> None:
    answer = own.get(address.format(LONG[:60_000]))
    answered(answer, answer.json()["code"])


def test_of_many_wrong_parameters_the_first_are_named(own: httpx.Client) -> None:
    fields = {f"nope{number}": 1 for number in range(9000)}
    problem = answered(own.post("/v1/jobs/predict", json=fields), "invalid_parameters")
    assert "nope0: There is no such parameter" in problem["detail"]
    assert "and 8,980 more" in problem["detail"]
    assert len(problem["errors"]) == 20


def test_only_short_words_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparing 30 MB with every name takes most of a minute, in which nobody is answered."""
    compared: list[int] = []

    def near(word: str, *rest: Any, **named: Any) -> list[str]:
        compared.append(len(word))
        return []

    monkeypatch.setattr(errors, "get_close_matches", near)
    monkeypatch.setattr(class_hints, "get_close_matches", near)
    for length in (MOST_SHOWN, MOST_SHOWN + 1):
        near_matches("x" * length, ["resnet18"])
        classes_near("x" * length, ["tench"])
    assert compared == [MOST_SHOWN] * 2


def test_an_error_holds_the_beginning_of_a_text() -> None:
    assert shown("x" * MOST_SHOWN) == "x" * MOST_SHOWN
    assert shown("x" * (MOST_SHOWN + 1)) == "x" * MOST_SHOWN + "…"
    violation = errors.Violation(LONG, LONG)
    assert (len(violation.pointer), len(violation.message)) == (MOST_SHOWN + 1, MOST_DETAIL + 1)
    for error in (errors.CatalogError(LONG), Problem("invalid_request", LONG)):
        assert len(error.detail) == MOST_DETAIL + 1


def test_escapes_without_end_are_refused(own: httpx.Client) -> None:
    """Each would take some hundred bytes of memory until it is decoded."""
    escapes = "%41" * 1_500_001
    url = f"data:image/png;base64,{escapes}"
    for body, kind, code in (
        (f"image={url}", URLENCODED, "invalid_request"),
        (json.dumps({"image": url}), "application/json", "invalid_parameters"),
    ):
        answer = own.post("/v1/jobs/predict", content=body, headers={"Content-Type": kind})
        answered(answer, code)
