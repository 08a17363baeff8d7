"""Problem documents (RFC 9457): every error that a client can get, with a stable `code`."""

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.types import Scope

from catalog.errors import MOST_DETAIL, Violation, shown
from catalog.parameters import invalid_parameters
from catalog.problems import PROBLEMS
from jobs.log_context import note
from service.addresses import route_path
from service.inference.error_answer import error_answer
from service.inference.paths import is_inference

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


def _response(
    description: str,
    headers: Mapping[str, Any] | None = None,
    model: str = "ProblemDocument",
    media_type: str = MEDIA_TYPE,
) -> dict[str, Any]:
    content = {media_type: {"schema": {"$ref": _REFERENCE.format(model=model)}}}
    return {
        "description": description,
        "content": content,
        "headers": {"X-Request-ID": _ID, **(headers or {})},
    }


_NOT_LOCAL = "Without API keys: the request came from another machine or site"
_NO_KEY = "The server has API keys, and none of them was sent"

# The `responses` of every operation in OpenAPI, and of those that want a key where there are keys.
PROBLEM_RESPONSE: dict[int | str, dict[str, Any]] = {
    403: _response(_NOT_LOCAL),
    "default": _response("An error, as an RFC 9457 problem document"),
}
KEY_RESPONSE: dict[int | str, dict[str, Any]] = {
    401: _response(_NO_KEY, _WANTS_KEY),
}


def inference_error(description: str, headers: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a response of OpenAPI with the form of errors of the inference protocols."""
    return _response(description, headers, "InferenceError", "application/json")


# The same for the operations of the inference protocols.
INFERENCE_RESPONSE: dict[int | str, dict[str, Any]] = {
    403: inference_error(_NOT_LOCAL),
    "default": inference_error("An error"),
}
INFERENCE_KEY_RESPONSE: dict[int | str, dict[str, Any]] = {
    401: inference_error(_NO_KEY, _WANTS_KEY),
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


def problem_response(problem: Problem, scope: Scope) -> Response:
    """Return the problem as a response, in the form that clients of the address read.

    The line of the request names its code.
    """
    note(code=problem.code)
    headers = problem.headers
    if problem.code in _RETRY_AFTER_S:
        headers["Retry-After"] = str(_RETRY_AFTER_S[problem.code])
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if is_inference(route_path(scope)):
        return error_answer(problem.code, problem.detail, problem.status, headers)
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
    return JSONResponse(document.model_dump(), problem.status, headers, MEDIA_TYPE)


def invalid(errors: Iterable[Any], skip: int = 0) -> Problem:
    """Return the errors of pydantic as one problem.

    The first `skip` parts of each location are left out of the JSON pointers.
    """
    refused = invalid_parameters(errors, skip)
    return Problem(refused.code, refused.detail, refused.errors)
