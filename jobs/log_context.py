"""What the lines of a log name besides their message: the request, the job, the attempt.

A request, an attempt at a job or a repair is a unit of work, which has fields. They are held by a
context variable, so that every line that is logged in the unit has them, whoever logs it. Threads
to which a request is handed on share its fields. A thread that is started anew has none.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from jobs.model import Job

_FIELDS: ContextVar[dict[str, Any] | None] = ContextVar("log_fields", default=None)


def fields() -> Mapping[str, Any]:
    """Return the fields of the present unit of work; none outside of any."""
    return _FIELDS.get() or {}


def start(**named: Any) -> None:
    """Begin a unit of work that lasts as long as this task or thread."""
    _FIELDS.set(named)


def note(**named: Any) -> None:
    """Add fields to the present unit of work. Outside of any, do nothing."""
    known = _FIELDS.get()
    if known is not None:
        known.update(named)


@contextmanager
def unit(**named: Any) -> Iterator[None]:
    """Name these fields, besides those from outside, in every line that is logged inside."""
    token = _FIELDS.set({**fields(), **named})
    try:
        yield
    finally:
        _FIELDS.reset(token)


def job_fields(job: Job) -> dict[str, Any]:
    """Return the fields by which lines name a job, with the request that created it.

    The owner is the name that keys are made for, never a key.
    """
    named = {
        "job_id": job.id,
        "attempt": job.attempts,
        "owner": job.owner,
        "technique": job.technique,
        "model": job.model,
    }
    return named | ({"request_id": job.request_id} if job.request_id else {})


def extra(**named: Any) -> dict[str, dict[str, Any]]:
    """Return the argument `extra` of a logging call that adds fields to that line alone."""
    return {"fields": named}
