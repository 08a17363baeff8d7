"""Waiting for a job: by its events where progress is wanted, otherwise by held requests."""

import json
import math
import time
from typing import Any

from retinoscope_client.errors import APIError, WaitTimeout
from retinoscope_client.progress import Report
from retinoscope_client.steps import Flow, NextLine, Pause, Request

FINAL = ("succeeded", "failed", "canceled")
# Seconds that a request is held, and seconds for which a stream is opened: it may be silent for 15.
# After some streams without an event the job is asked for.
_HELD_S, _STREAM_FROM_S, _BROKEN_STREAMS = 30, 20, 3


def until_final(
    path: str, job: dict[str, Any], timeout: float | None, report: Report | None
) -> Flow[dict[str, Any]]:
    """Return the job at `path` once it has ended. Raises WaitTimeout."""
    deadline = time.monotonic() + (math.inf if timeout is None else timeout)
    headers = {"Accept": "text/event-stream"}
    # Streams in a row that brought nothing. Some proxies hold streams back.
    broken = 0
    while job["status"] not in FINAL:
        left = deadline - time.monotonic()
        if left <= 0:
            raise WaitTimeout(f"{path} goes on after {timeout:g} s: wait again, or cancel it.")
        if report and broken < _BROKEN_STREAMS and left >= _STREAM_FROM_S:
            came = yield from _follow(f"{path}/events", headers, report, deadline)
            yield Pause(0 if came else 0.5)
            broken = 0 if came else broken + 1
            job = (yield Request("GET", path)).json()
            continue
        held = min(left, 2 if report else _HELD_S)
        job = (yield Request("GET", path, {"wait": held}, patience_s=held + 10)).json()
        if report and job["progress"]:
            report(job["progress"])
    return job


def _follow(path: str, headers: dict[str, str], report: Report, deadline: float) -> Flow[bool]:
    """Report progress until the job has ended, the stream breaks off, or time is up.

    `headers` have the id of the last event, after which the next stream begins. Return whether an
    event came.
    """
    came = False
    try:
        lines = (yield Request("GET", path, {}, headers, stream=True, patience_s=45)).lines
    except APIError:  # such as too_many_listeners
        return False
    while time.monotonic() < deadline:
        event = yield from _next(lines)
        if event is None:
            break
        came = True
        headers |= {"Last-Event-ID": event["id"]} if event["id"] else {}
        data = json.loads(event["data"] or "{}")
        if event["event"] == "progress":
            report(data)
        if data.get("status") in FINAL:
            break
    return came


def _next(lines: Any) -> Flow[dict[str, str] | None]:
    """Return the fields of the next event, empty for a comment; None at the end."""
    event = {"event": "", "data": "", "id": ""}
    while line := (yield NextLine(lines)):
        field, _, value = line.partition(":")
        event[field] = value.removeprefix(" ")
    return None if line is None else event
