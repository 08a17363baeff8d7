"""OpenAPI of a technique's request, as a form and as JSON, from its parameters and images."""

from typing import Any

from catalog.technique import InputSpec, Technique
from service.job_request import JobOptions

_STORED = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def request_body(technique: Technique, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """The `requestBody` of one operation, some parameters left out."""
    example = dict(technique.example)
    stored = {image.name: _STORED for image in technique.minimal_inputs}
    content = {
        "multipart/form-data": {"schema": _schema(technique, "form", without), "example": example},
        "application/json": {
            "schema": _schema(technique, "json", without),
            "example": stored | example,
        },
    }
    return {"requestBody": {"required": bool(technique.minimal_inputs), "content": content}}


def parameter_schema(technique: Technique) -> dict[str, Any]:
    """The JSON Schema of the parameters alone."""
    return technique.params.model_json_schema()


def _schema(technique: Technique, kind: str, without: tuple[str, ...]) -> dict[str, Any]:
    schema = parameter_schema(technique)
    for name in without:
        del schema["properties"][name]
    pictures = {image.name: _input(image, kind) for image in technique.inputs}
    choice = (
        {"oneOf": [{"required": [name]} for name in technique.one_of]} if technique.one_of else {}
    )
    return {
        "title": f"{technique.name}_{kind}",
        "type": "object",
        "properties": pictures
        | schema["properties"]
        | JobOptions.model_json_schema()["properties"],
        "required": [
            *(image.name for image in technique.inputs if image.required),
            *schema.get("required", []),
        ],
        "additionalProperties": False,
        **choice,
    }


def _input(image: InputSpec, kind: str) -> dict[str, Any]:
    file, what = ("A .npy file", "array") if image.kind == "array" else ("A file", "image")
    if kind == "form":
        return {
            "type": "string",
            "format": "binary",
            "description": f"{image.description} {file}, or sha256:… .",
        }
    return {
        "type": "string",
        "description": f"{image.description} `sha256:…` of a stored {what}, or a `data:` URL.",
        "examples": [_STORED],
    }
