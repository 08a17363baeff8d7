"""The response to a request that creates a job."""

from collections.abc import Callable
from typing import Any

from fastapi import Response
from pydantic import BaseModel

from jobs.log_context import note
from jobs.model import Job
from service.addresses import address
from service.admission import Admission
from service.job_view import job_response
from service.services import Services
from service.waiting import preferred_wait, until_final

_RETRY_AFTER_S = "1"

Show = Callable[[Job, int, dict[str, str]], Response]
"""Makes the response of a job with a status and headers."""

_HEADERS = {
    "Location": {"schema": {"type": "string"}, "description": "Address at which to poll the job."},
    "Retry-After": {
        "schema": {"type": "integer"},
        "description": "Seconds to wait before polling.",
    },
    "Idempotency-Replayed": {
        "schema": {"type": "string", "enum": ["true"]},
        "description": "Present if an earlier request with this Idempotency-Key created the job.",
    },
}
_ENDED_HEADERS = {name: header for name, header in _HEADERS.items() if name != "Retry-After"}


def job_responses(kind: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` in OpenAPI of an operation that creates a job of that type."""
    return {
        200: {
            "model": kind,
            "description": "The job ended within the preferred wait",
            "headers": _ENDED_HEADERS,
        },
        202: {"model": kind, "description": "The job was accepted", "headers": _HEADERS},
    }


async def respond(
    services: Services,
    admission: Admission,
    prefer: str | None,
    *,
    path: str = "/v1/jobs",
    show: Show = job_response,
) -> Response:
    """Respond 202 with the job's address below `path`, or 200 if the job has ended by then.

    With the header `Prefer: wait=S` the response is held for at most S seconds.
    """
    job = admission.job
    note(job_id=job.id, technique=job.technique, model=job.model)
    headers = {"Location": address(f"{path}/{job.id}")}
    if admission.replayed:
        headers["Idempotency-Replayed"] = "true"
    seconds = preferred_wait(prefer)
    if seconds is not None:
        job = await until_final(services, job, seconds)
        headers["Preference-Applied"] = f"wait={seconds:.0f}"
    if not job.status.final:
        headers["Retry-After"] = _RETRY_AFTER_S
    return show(job, 200 if job.status.final else 202, headers)
