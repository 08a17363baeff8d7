"""Problem documents (RFC 9457): every error that a client can get, with a stable `code`."""

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from catalog.errors import Violation

MEDIA_TYPE = "application/problem+json"

PROBLEMS: dict[str, tuple[int, str]] = {
    "invalid_request": (400, "The request cannot be read"),
    "invalid_idempotency_key": (400, "The idempotency key is not valid"),
    "unauthorized": (401, "A valid API key is needed"),
    "keys_required": (403, "This server has no API keys and serves its own machine only"),
    "forbidden_origin": (403, "Requests from other sites are refused"),
    "not_found": (404, "There is nothing at this address"),
    "unknown_technique": (404, "There is no such technique"),
    "unknown_model": (422, "There is no such model"),
    "job_not_found": (404, "There is no such job"),
    "image_not_found": (404, "There is no such image"),
    "image_set_not_found": (404, "There is no such image set"),
    "artifact_not_found": (404, "The job has no such artifact"),
    "preview_not_found": (404, "The job has no preview"),
    "method_not_allowed": (405, "This address does not take this method"),
    "job_running": (409, "The job is running"),
    "idempotency_in_progress": (409, "A request with this idempotency key is in progress"),
    "body_too_large": (413, "The request is too large"),
    "unsupported_media_type": (415, "The body is of a type that is not taken here"),
    "range_not_satisfiable": (416, "The file has no such range"),
    "idempotency_key_reused": (422, "The idempotency key was used for another request"),
    "invalid_parameters": (422, "The parameters are not valid"),
    "invalid_target": (422, "The target cannot be read"),
    "unknown_layer": (422, "The model has no such layer"),
    "layer_without_map": (422, "The layer has no map"),
    "unknown_channel": (422, "The layer has no such channel"),
    "unknown_position": (422, "The layer has no such position"),
    "unknown_class": (422, "The model has no such class"),
    "too_expensive": (422, "The request costs more than the limit"),
    "image_missing": (422, "An image is missing"),
    "unknown_image": (422, "An image that is referred to is not stored"),
    "unknown_image_set": (422, "There is no such image set"),
    "image_set_full": (422, "The image set holds as much as it may"),
    "too_many_image_sets": (422, "There are as many image sets as there may be"),
    "too_many_files": (422, "The request has too many files"),
    "file_too_large": (422, "The file is too large"),
    "no_image_added": (422, "None of the images was taken"),
    "zip_broken": (422, "The zip file cannot be read"),
    "zip_too_large": (422, "The zip file holds too much"),
    "zip_entry_encrypted": (422, "The entry of the zip file is encrypted"),
    "zip_entry_unsupported": (422, "The entry of the zip file is of a kind that is not taken"),
    "zip_entry_damaged": (422, "The entry of the zip file is damaged"),
    "input_missing": (422, "An image or an array is missing"),
    "not_an_array": (422, "The file is not an array of numbers"),
    "broken_array": (422, "The array is damaged or incomplete"),
    "array_too_large": (422, "The array has too many numbers"),
    "unknown_array": (422, "An array that is referred to is not stored"),
    "wrong_shape": (422, "The array has not the layer's shape"),
    "image_url_not_allowed": (422, "Images are not fetched from addresses"),
    "not_an_image": (422, "The file is not an image"),
    "broken_image": (422, "The image is damaged or incomplete"),
    "animated_image": (422, "The image has several frames"),
    "image_too_large": (422, "The image has too many pixels"),
    "image_too_small": (422, "The image has too few pixels"),
    "image_too_narrow": (422, "The image is too narrow"),
    "too_many_jobs": (429, "You have too many jobs that have not ended"),
    "internal_error": (500, "Something went wrong here"),
    "queue_full": (503, "Too many jobs are waiting"),
    "too_many_listeners": (503, "Too many clients listen to events"),
    "store_unavailable": (503, "The job store cannot be reached"),
    "description_pending": (503, "The model has not been described yet"),
}

_RETRY_AFTER_S = {
    "idempotency_in_progress": 1,
    "too_many_jobs": 10,
    "queue_full": 10,
    "too_many_listeners": 5,
    "store_unavailable": 2,
    "description_pending": 5,
}
_REFERENCE = "#/components/schemas/{model}"

# The `responses` of every operation in OpenAPI.
PROBLEM_RESPONSE: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "An error, as an RFC 9457 problem document",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
    }
}


class FieldProblem(BaseModel):
    pointer: str = Field(description="JSON pointer to the parameter that is wrong.")
    message: str


class ProblemDocument(BaseModel):
    """An error in the format of RFC 9457."""

    type: str
    title: str
    status: int
    code: str = Field(description="Stable name of the error, for programs.")
    detail: str = Field(description="What is wrong and what to change, for people.")
    errors: list[FieldProblem] = []


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
        self.detail = detail
        self.errors = list(errors)
        self.status = status or PROBLEMS[code][0]
        self.headers = dict(headers or {})


def problem_response(problem: Problem) -> Response:
    """Return the problem as a response."""
    document = ProblemDocument(
        type=f"urn:retinoscope:problem:{problem.code}",
        title=PROBLEMS[problem.code][1],
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
    violations = [
        Violation("".join(f"/{_escape(part)}" for part in error["loc"][skip:]), str(error["msg"]))
        for error in errors
    ]
    detail = "; ".join(
        f"{violation.pointer.strip('/') or 'body'}: {violation.message}" for violation in violations
    )
    return Problem("invalid_parameters", detail, violations)


def document_problems(app: FastAPI) -> None:
    """Add the schema of the problem document, which every operation names, to OpenAPI."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        _, schemas = models_json_schema(
            [(ProblemDocument, "serialization")], ref_template=_REFERENCE
        )
        document["components"]["schemas"] |= schemas["$defs"]
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _escape(part: object) -> str:
    """Return one step of a JSON pointer (RFC 6901)."""
    return str(part).replace("~", "~0").replace("/", "~1")
