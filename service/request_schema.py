"""OpenAPI schema of a technique's request, as a form and as JSON."""

from typing import Any

from catalog.technique import InputSpec, Technique
from service.job_request import JobOptions
from service.labels import LABEL_FORM_SCHEMA

_STORED = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def request_body_schema(technique: Technique, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the `requestBody` of an operation; the parameters in `without` are left out."""
    example = dict(technique.example)
    stored = {spec.name: _STORED for spec in technique.minimal_inputs}
    content = {
        "multipart/form-data": {"schema": _schema(technique, "form", without), "example": example},
        "application/json": {
            "schema": _schema(technique, "json", without),
            "example": stored | example,
        },
    }
    return {"requestBody": {"required": bool(technique.minimal_inputs), "content": content}}


def parameter_schema(technique: Technique) -> dict[str, Any]:
    """Return the JSON Schema of the parameters alone."""
    return technique.params.model_json_schema()


def _schema(technique: Technique, kind: str, without: tuple[str, ...]) -> dict[str, Any]:
    schema = parameter_schema(technique)
    for name in without:
        del schema["properties"][name]
    inputs = {spec.name: _input(spec, kind) for spec in technique.inputs}
    options = JobOptions.model_json_schema()["properties"]
    if kind == "form":
        del options["labels"]
        options["label"] = LABEL_FORM_SCHEMA
    required = [spec.name for spec in technique.inputs if spec.required]
    request = {
        "title": f"{technique.name}_{kind}",
        "type": "object",
        "properties": inputs | schema["properties"] | options,
        "required": [*required, *schema.get("required", [])],
        "additionalProperties": False,
    }
    if technique.one_of:
        request["oneOf"] = [{"required": [name]} for name in technique.one_of]
    return request


def _input(spec: InputSpec, kind: str) -> dict[str, Any]:
    file, noun = ("a .npy file", "array") if spec.kind == "array" else ("a file", "image")
    address = "" if spec.kind == "array" else ", or an `https:` address if the server fetches any"
    if spec.bands:
        file = "a file (a photograph, or a .npy array [C, H, W] of the model's own channels)"
    if kind == "form":
        return {
            "type": "string",
            "format": "binary",
            "description": (
                f"{spec.description} Send {file}, or the id `sha256:…` of a stored {noun}{address}."
            ),
        }
    return {
        "type": "string",
        "description": (
            f"{spec.description} Send the id `sha256:…` of a stored {noun}, "
            f"or a `data:` URL{address}."
        ),
        "examples": [_STORED],
    }
