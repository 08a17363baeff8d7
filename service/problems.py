"""Problem documents (RFC 9457): every error that a client can get, with a stable `code`."""

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from catalog.errors import MOST_DETAIL, Violation, shown
from catalog.parameters import invalid_parameters
from catalog.problems import PROBLEMS
from jobs.log_context import note

MEDIA_TYPE = "application/problem+json"

_RETRY_AFTER_S = {
    "idempotency_in_progress": 1,
    "too_many_jobs": 10,
    "queue_full": 10,
    "store_full": 60,
    "intake_full": 5,
    "too_many_listeners": 5,
    "keys_unavailable": 5,
    "store_unavailable": 2,
    "artifact_store_unavailable": 2,
    "description_pending": 5,
}
_ID = {
    "description": "Names the request in the logs: what was sent in that header, if well formed.",
    "schema": {"type": "string"},
}
_WANTS_KEY = {"WWW-Authenticate": {"schema": {"type": "string", "enum": ["Bearer"]}}}
_REFERENCE = "#/components/schemas/{model}"


def _response(description: str, headers: Mapping[str, Any] | None = None) -> dict[str, Any]:
    schema = {"$ref": _REFERENCE.format(model="ProblemDocument")}
    content = {MEDIA_TYPE: {"schema": schema}}
    return {
        "description": description,
        "content": content,
        "headers": {"X-Request-ID": _ID, **(headers or {})},
    }


# The `responses` of every operation in OpenAPI, and of those that want a key where there are keys.
PROBLEM_RESPONSE: dict[int | str, dict[str, Any]] = {
    403: _response("Without API keys: the request came from another machine or site"),
    "default": _response("An error, as an RFC 9457 problem document"),
}
KEY_RESPONSE: dict[int | str, dict[str, Any]] = {
    401: _response("The server has API keys, and none of them was sent", _WANTS_KEY),
}


class FieldProblem(BaseModel):
    pointer: str = Field(description="JSON pointer to the parameter that is wrong.")
    message: str = Field(description="What is wrong with it, and what to change.")


class ProblemDocument(BaseModel):
    """An error in the format of RFC 9457."""

    type: str = Field(description="URN of the kind of error; it ends with `code`.")
    title: str = Field(description="The kind of error, the same for every error with this code.")
    status: int = Field(description="Status of the response.")
    code: str = Field(description="Stable name of the error, for programs.")
    detail: str = Field(description="What is wrong and what to change, for people.")
    errors: list[FieldProblem] = Field(
        description="The parameters that are wrong, if the error is about parameters."
    )


class Problem(Exception):
    """An error that is sent to the client as a problem document."""

    def __init__(
        self,
        code: str,
        detail: str,
        errors: Iterable[Violation] = (),
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = shown(detail, MOST_DETAIL)
        self.errors = list(errors)
        self.status = status or PROBLEMS[code].status or 500
        self.headers = dict(headers or {})


def problem_response(problem: Problem) -> Response:
    """Return the problem as a response. The line of the request names its code."""
    note(code=problem.code)
    document = ProblemDocument(
        type=f"urn:retinoscope:problem:{problem.code}",
        title=PROBLEMS[problem.code].title,
        status=problem.status,
        code=problem.code,
        detail=problem.detail,
        errors=[
            FieldProblem(pointer=error.pointer, message=error.message) for error in problem.errors
        ],
    )
    headers = problem.headers
    if problem.code in _RETRY_AFTER_S:
        headers["Retry-After"] = str(_RETRY_AFTER_S[problem.code])
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(document.model_dump(), problem.status, headers, MEDIA_TYPE)


def invalid(errors: Iterable[Any], skip: int = 0) -> Problem:
    """Return the errors of pydantic as one problem.

    The first `skip` parts of each location are left out of the JSON pointers.
    """
    refused = invalid_parameters(errors, skip)
    return Problem(refused.code, refused.detail, refused.errors)
