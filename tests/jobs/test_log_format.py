"""Lines of a log: one per record, with the fields of what is being done, in text and in JSON."""

import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from jobs.log_context import extra, note, start, unit
from jobs.log_format import JsonFormatter, TextFormatter
from tests.log_lines import LogLines, log_lines

log = logging.getLogger("tests.lines")

PROGRAM = (
    "import logging; from jobs.log_format import configure_logging; configure_logging('worker');"
)


@pytest.fixture
def lines() -> Iterator[LogLines]:
    """Return what is logged, as the lines of a worker."""
    with log_lines("worker", worker="host:1") as lines:
        yield lines


def record(message: str, *values: object, error: Exception | None = None) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("n", logging.WARNING, "f.py", 1, message, values, info)


def test_a_line_names_its_process_its_unit_and_itself(lines: LogLines) -> None:
    with unit(job_id="j", owner="ada"):
        log.info("%d of %d", 1, 2, extra=extra(code="zero_map"))
    log.info("outside")
    first, second = lines.all
    assert first["message"] == "1 of 2"
    assert [first[name] for name in ("process", "worker", "level", "logger")] == [
        "worker",
        "host:1",
        "INFO",
        "tests.lines",
    ]
    assert [first[name] for name in ("job_id", "owner", "code")] == ["j", "ada", "zero_map"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["time"])
    assert not {"job_id", "owner", "code"} & second.keys()


def test_threads_that_serve_a_request_share_its_fields_and_others_have_none(
    lines: LogLines,
) -> None:
    def lend() -> None:
        note(owner="ada")

    def request() -> None:
        start(request_id="r")
        with ThreadPoolExecutor(1) as threads:
            threads.submit(copy_context().run, lend).result()
            threads.submit(log.info, "anew").result()
        log.info("shared")

    copy_context().run(request)
    anew, shared = lines.all
    assert (shared["request_id"], shared["owner"]) == ("r", "ada")
    assert "request_id" not in anew


def test_a_note_outside_of_any_unit_is_not_kept(lines: LogLines) -> None:
    copy_context().run(note, owner="ada")
    log.info("later")
    assert "owner" not in lines.all[0]


@pytest.mark.parametrize("formatter", [TextFormatter("api", {}), JsonFormatter("api", {})])
def test_no_text_of_a_client_can_pretend_to_be_a_line(formatter: logging.Formatter) -> None:
    with unit(path="/a\n2026 forged"):
        line = formatter.format(record("%s", "x\r\n2026 forged \x1b[2J\u2028\x85 \ud83d"))
    assert len(line.splitlines()) == 1
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", line)


def test_text_has_the_fields_behind_the_message_and_an_indented_traceback() -> None:
    try:
        raise ValueError("one\ntwo")
    except ValueError as error:
        failed = record("it broke", error=error)
    with unit(job_id="j"):
        head, *rest = TextFormatter("worker", {"worker": "h:1"}).format(failed).split("\n")
    assert re.fullmatch(r"\S+Z WARNING worker\[\d+\] it broke worker=h:1 job_id=j", head)
    assert rest[-2:] == ["    ValueError: one", "    two"]
    assert all(line.startswith("    ") for line in rest)


def test_json_keeps_a_record_with_its_traceback_on_one_line() -> None:
    try:
        raise ValueError("one\ntwo")
    except ValueError as error:
        line = JsonFormatter("api", {}).format(record("it broke", error=error))
    assert json.loads(line)["traceback"].endswith("ValueError: one\ntwo")


def run_program(text: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own, with its log configured by these settings."""
    env = {f"RETINOSCOPE_{name.upper()}": value for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM + text],
        env=env | {"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
    )


def test_the_level_and_the_form_are_settings() -> None:
    text = "logging.info('quiet'); logging.warning('loud')"
    assert run_program(text, log_level="WARNING").stderr.split()[3:] == ["loud"]
    lines = run_program(text, log_format="json").stderr.splitlines()
    assert [json.loads(line)["message"] for line in lines] == ["quiet", "loud"]


def test_what_nobody_catches_is_a_line_too() -> None:
    """Warnings, and exceptions of a thread and of the process."""
    text = (
        "import threading, warnings; warnings.warn('odd');"
        "t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join(); raise KeyError('x')"
    )
    ran = run_program(text, log_format="json")
    odd, thread, process = [json.loads(line) for line in ran.stderr.splitlines()]
    assert "UserWarning: odd" in odd["message"]
    assert "ZeroDivisionError" in thread["traceback"] and "KeyError" in process["traceback"]
    assert (ran.returncode, process["level"]) == (1, "CRITICAL")
