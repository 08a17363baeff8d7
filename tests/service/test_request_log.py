"""One line per request, with its id, its owner, and the job; a failure is told once."""

import json
import logging
import re
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from jobs import log_context
from jobs.api_keys import KeyRing
from jobs.settings import Settings
from service.app import create_app
from tests.log_lines import LogLines, log_lines
from tests.service.conftest import Serve
from tests.wait import wait_until


@pytest.fixture
def lines() -> Iterator[LogLines]:
    """Return what is logged, as the lines of an API."""
    with log_lines("api") as lines:
        yield lines


def of(lines: LogLines, request_id: str) -> list[dict]:
    """Return the lines of a request. Its own line may be written after the response."""
    wait_until(lambda: any("status" in line for line in lines.having(request_id=request_id)))
    return lines.having(request_id=request_id)


def test_a_request_has_one_line(own: httpx.Client, small: bytes, lines: LogLines) -> None:
    posted = own.post("/v1/jobs/predict", files={"image": small}, headers={"X-Request-ID": "a-1"})
    assert posted.headers["X-Request-ID"] == "a-1"
    (line,) = of(lines, "a-1")
    wanted = ("method", "path", "status", "owner", "job_id", "technique", "model", "process")
    job = posted.json()
    assert [line[name] for name in wanted] == [
        *("POST", "/v1/jobs/predict", 202, "local", job["id"], "predict", job["model"], "api")
    ]
    assert line["ms"] > 0


def test_the_path_is_a_template(own: httpx.Client, small: bytes, lines: LogLines) -> None:
    job = own.post("/v1/jobs/predict", files={"image": small}).json()
    own.head(f"/v1/jobs/{job['id']}?wait=0", headers={"X-Request-ID": "a-2"})
    (line,) = of(lines, "a-2")
    assert (line["method"], line["path"], line["status"]) == ("HEAD", "/v1/jobs/{job_id}", 200)
    assert line["job_id"] == job["id"]


def test_what_a_stranger_writes_into_an_address_is_not_logged(
    own: httpx.Client, lines: LogLines
) -> None:
    own.get("/secret-path", headers={"X-Request-ID": "a-3"})
    (line,) = of(lines, "a-3")
    assert (line["path"], line["status"], line["code"]) == ("other", 404, "not_found")
    assert "secret" not in json.dumps(line)


@pytest.mark.parametrize("sent", ["", "a b", "x" * 129, "é".encode(), 'a"b'])
def test_an_id_of_another_form_is_replaced(own: httpx.Client, sent: str | bytes) -> None:
    answer = own.get("/healthz", headers={"X-Request-ID": sent})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])


def test_ids_of_others_are_taken(own: httpx.Client) -> None:
    for sent in ("Root=1-67891233-abcdef012345678912345678", "x" * 128):
        assert own.get("/healthz", headers={"X-Request-ID": sent}).headers["X-Request-ID"] == sent


def test_a_line_names_the_owner_and_never_the_key(
    serve: Serve, settings: Settings, lines: LogLines
) -> None:
    key = KeyRing(settings.keys_location).create("ada")
    client = serve(settings)
    headers = {"X-API-Key": key, "X-Request-ID": "a-4"}
    assert client.get("/v1/jobs", headers=headers).status_code == 200
    assert client.get("/v1/jobs", headers={"X-Request-ID": "a-5"}).status_code == 401
    (line,) = of(lines, "a-4")
    assert line["owner"] == "ada"
    (refused,) = of(lines, "a-5")
    assert refused["code"] == "unauthorized" and "owner" not in refused
    assert key not in json.dumps(lines.all)


def test_an_unexpected_failure_is_logged_once(
    serve: Serve, settings: Settings, lines: LogLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.job_list.JobList.page", lambda *_, **__: 1 / 0)
    answer = serve(settings).get("/v1/jobs", headers={"X-Request-ID": "a-6"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert answer.headers["X-Request-ID"] == "a-6"
    failure, line = of(lines, "a-6")
    assert failure["traceback"].endswith("ZeroDivisionError: division by zero")
    assert (line["status"], line["code"]) == (500, "internal_error")
    assert sum("traceback" in other for other in lines.all) == 1


def test_threads_of_a_request_have_its_fields(settings: Settings, lines: LogLines) -> None:
    app: FastAPI = create_app(settings)

    @app.get("/try")
    def try_it() -> None:
        log_context.note(owner="ada")
        logging.getLogger("tests").info("in a thread")

    TestClient(app, "http://127.0.0.1", client=("127.0.0.1", 1)).get("/try")
    inner, line = lines.having(owner="ada")
    assert inner["message"] == "in a thread" and inner["request_id"] == line["request_id"]
