"""OpenAPI schema of a technique's request, as a form and as JSON."""

from typing import Any

from catalog.registry import techniques
from catalog.technique import InputSpec, Technique
from service.job_request import JobOptions
from service.labels import LABEL_FORM_SCHEMA

REFERENCE = "#/components/schemas/{model}"

_STORED = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
# How the component of a body ends, by its media type.
_KINDS = {"multipart/form-data": "Form", "application/json": "Request"}


def component_name(technique: Technique) -> str:
    """Return how the components of a technique begin: `GradCam` of `grad_cam`."""
    return "".join(part.capitalize() for part in technique.name.split("_"))


def request_body_schema(technique: Technique, *, with_model: bool = True) -> dict[str, Any]:
    """Return the `requestBody` of an operation, which may name the model in its address."""
    example = dict(technique.example)
    stored = {spec.name: _STORED for spec in technique.minimal_inputs}
    examples = {"Form": example, "Request": stored | example}
    name = _body_name(technique, with_model)
    content = {
        media_type: {
            "schema": {"$ref": REFERENCE.format(model=f"{name}{kind}")},
            "example": examples[kind],
        }
        for media_type, kind in _KINDS.items()
    }
    return {"requestBody": {"required": bool(technique.minimal_inputs), "content": content}}


def request_schemas() -> dict[str, Any]:
    """Return the components of all bodies that create jobs."""
    bodies = [(technique, True) for technique in techniques().values()]
    bodies.append((techniques()["predict"], False))
    return {
        f"{_body_name(technique, with_model)}{kind}": _schema(technique, kind, with_model)
        for technique, with_model in bodies
        for kind in _KINDS.values()
    }


def parameter_schema(technique: Technique) -> dict[str, Any]:
    """Return the JSON Schema of the parameters alone."""
    return technique.params.model_json_schema()


def _body_name(technique: Technique, with_model: bool) -> str:
    return component_name(technique) + ("" if with_model else "WithModel")


def _schema(technique: Technique, kind: str, with_model: bool) -> dict[str, Any]:
    schema = parameter_schema(technique)
    if not with_model:
        del schema["properties"]["model"]
    inputs = {spec.name: _input(spec, kind) for spec in technique.inputs}
    options = JobOptions.model_json_schema()["properties"]
    if kind == "Form":
        del options["labels"]
        options["label"] = LABEL_FORM_SCHEMA
    required = [spec.name for spec in technique.inputs if spec.required]
    return {
        "title": f"{_body_name(technique, with_model)}{kind}",
        "description": f"A request for a job of `{technique.name}`.{_one_of(technique)}",
        "type": "object",
        "properties": inputs | schema["properties"] | options,
        "required": [*required, *schema.get("required", [])],
        "additionalProperties": False,
        **_exactly_one(technique, kind),
    }


def _one_of(technique: Technique) -> str:
    names = " or ".join(f"`{name}`" for name in technique.one_of)
    return f" Send exactly one of {names}." if names else ""


def _exactly_one(technique: Technique, kind: str) -> dict[str, Any]:
    """Return the rule that one of two inputs must be sent, for JSON.

    As `oneOf`, it would make generated clients forget the fields beside it. Of a form, where inputs
    are files, it is said in words alone, since schemathesis cannot judge files by a condition.
    """
    if not technique.one_of or kind == "Form":
        return {}
    first, second = technique.one_of
    return {
        "if": {"required": [first]},
        "then": {"not": {"required": [second]}},
        "else": {"required": [second]},
    }


def _input(spec: InputSpec, kind: str) -> dict[str, Any]:
    file, noun = ("a .npy file", "array") if spec.kind == "array" else ("a file", "image")
    address = "" if spec.kind == "array" else ", or an `https:` address if the server fetches any"
    if spec.bands:
        file = "a file (a photograph, or a .npy array [C, H, W] of the model's own channels)"
    if kind == "Form":
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
