"""The output of `retinoscope techniques`: the catalog, or one technique with its parameters."""

from collections.abc import Iterator
from textwrap import fill
from typing import Any

from pydantic_core import PydanticUndefined

from catalog.registry import find_technique, techniques
from catalog.technique import MAX_SEED, Technique
from retinoscope.wording import on_command_line

_WIDTH = 100
_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def list_techniques() -> Iterator[str]:
    """Yield a line for each technique."""
    longest = max(map(len, techniques()))
    for technique in techniques().values():
        yield f"{technique.name:{longest}}  {technique.title}"


def describe_technique(name: str) -> Iterator[str]:
    """Yield the description of a technique, its inputs and its parameters.

    Raises UnknownTechnique.
    """
    technique = find_technique(name)
    yield on_command_line(technique.description)
    yield ""
    for image in technique.inputs:
        note = "" if image.required else " (optional)"
        if image.name in technique.one_of:
            note = f" (one of {', '.join(technique.one_of)})"
        yield _indented(
            f"FILE or --{image.name} FILE", on_command_line(f"{image.description}{note}")
        )
    yield from _parameters(technique)


def _parameters(technique: Technique) -> Iterator[str]:
    schema = technique.params.model_json_schema()["properties"]
    for name, field in technique.params.model_fields.items():
        values = allowed_values(schema[name])
        default = "required" if field.default is PydanticUndefined else field.default
        shown = "" if default is None else f" [{_written(default)}]"
        text = on_command_line(field.description or "")
        yield _indented(f"--{name}{f' {values}' if values else ''}", f"{text}{shown}")


def allowed_values(schema: dict[str, Any]) -> str:
    """Return the values that a parameter takes by its JSON Schema; empty if it takes any text."""
    kinds = [kind for kind in schema.get("anyOf", [schema]) if kind.get("type") != "null"]
    return " | ".join(filter(None, map(_values, kinds)))


def _values(kind: dict[str, Any]) -> str:
    if choices := kind.get("enum", [kind["const"]] if "const" in kind else []):
        return " | ".join(map(str, choices))
    if kind.get("type") == "boolean":
        return "true | false"
    if kind.get("type") not in ("integer", "number"):
        return ""
    bounds = [
        f"{sign} {kind[key]:,}"
        for key, sign in _BOUNDS.items()
        if key in kind and kind[key] != MAX_SEED
    ]
    noun = "whole number" if kind["type"] == "integer" else "number"
    return f"({' '.join([noun, ' and '.join(bounds)]).strip()})"


def _written(default: Any) -> str:
    """Return a default as it is written on the command line."""
    return str(default).lower() if isinstance(default, bool) else str(default)


def _indented(term: str, text: str) -> str:
    return f"{term}\n" + fill(text, _WIDTH, initial_indent="    ", subsequent_indent="    ")
