"""Components of the OpenAPI document that FastAPI does not make by itself."""

from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from catalog.problems import PROBLEMS
from service.inference.error_answer import InferenceError
from service.job_view import JobState
from service.problems import ProblemDocument
from service.request_schema import REFERENCE, request_schemas

_CODES = {
    "title": "ProblemCode",
    "description": "The stable names of all errors. A later version may add some.",
    "type": "string",
    "enum": list(PROBLEMS),
}
# The components whose `code` is one of these names.
_WITH_CODE = ("ProblemDocument", "JobError", "FileOutcome")


def document_components(app: FastAPI) -> None:
    """Add the problem document, the codes and the requests to what OpenAPI says of the app."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        schemas = document["components"]["schemas"]
        schemas |= _referenced_schemas() | request_schemas()
        for name in _WITH_CODE:
            _name_the_codes(schemas[name])
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _referenced_schemas() -> dict[str, Any]:
    """Return what responses name that are not made of a model."""
    _, schemas = models_json_schema(
        [
            (ProblemDocument, "serialization"),
            (JobState, "serialization"),
            (InferenceError, "serialization"),
        ],
        ref_template=REFERENCE,
    )
    return {"ProblemCode": _CODES, **schemas["$defs"]}


def _name_the_codes(schema: dict[str, Any]) -> None:
    """Make the field `code` one of the codes, or null where it may be null."""
    code = schema["properties"]["code"]
    reference = {"$ref": REFERENCE.format(model="ProblemCode")}
    if "anyOf" in code:
        code["anyOf"] = [reference, {"type": "null"}]
    else:
        schema["properties"]["code"] = reference | {"description": code["description"]}
