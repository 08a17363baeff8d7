"""Errors as clients of the inference protocols read them.

They show the text `error` of a body whose Content-Type is exactly `application/json`, and nothing
of a problem document.
"""

from collections.abc import Mapping
from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

# What the protocols call a bad request, and nothing finer.
_STATUS = {415: 400, 422: 400}


class InferenceError(BaseModel):
    """An error of the inference protocols."""

    error: str = Field(description="What is wrong and what to change; it ends with `code`.")
    code: str = Field(description="Stable name of the error, for programs.")
    job: str | None = Field(None, description="Address of the job that it is about, if any.")
    jobs: list[str] | None = Field(
        None, description="Addresses of the jobs of all images of the request, in their order."
    )


def error_answer(
    code: str,
    detail: str,
    status: int,
    headers: Mapping[str, str] | None = None,
    **jobs: str | list[str],
) -> JSONResponse:
    """Return an error. Where `status` is that of a problem document, 415 and 422 become 400."""
    body: dict[str, Any] = {"error": f"{detail} ({code})", "code": code, **jobs}
    return JSONResponse(body, protocol_status(status), dict(headers or {}))


def protocol_status(status: int) -> int:
    """Return the status of the protocols for that of a problem document."""
    return _STATUS.get(status, status)
