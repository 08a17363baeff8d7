"""The output of `retinoscope techniques`: the catalog, or one technique with its parameters."""

from collections.abc import Iterator
from textwrap import fill

from pydantic_core import PydanticUndefined

from catalog.registry import find_technique, techniques
from catalog.technique import Technique

_WIDTH = 100


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
    yield technique.description
    yield ""
    for image in technique.inputs:
        note = "" if image.required else " (optional)"
        if image.name in technique.one_of:
            note = f" (one of {', '.join(technique.one_of)})"
        yield _indented(f"FILE or --{image.name} FILE", f"{image.description}{note}")
    yield from _parameters(technique)


def _parameters(technique: Technique) -> Iterator[str]:
    for name, field in technique.params.model_fields.items():
        default = "required" if field.default is PydanticUndefined else field.default
        shown = "" if default is None else f" [{default}]"
        yield _indented(f"--{name}", f"{field.description or ''}{shown}")


def _indented(term: str, text: str) -> str:
    return f"{term}\n" + fill(text, _WIDTH, initial_indent="    ", subsequent_indent="    ")
