"""What `retinoscope techniques` prints: the menu, or one entry of it with its parameters."""

from collections.abc import Iterator
from textwrap import fill

from pydantic_core import PydanticUndefined

from catalog.registry import find_technique, techniques
from catalog.technique import Technique

_WIDTH = 100


def list_techniques() -> Iterator[str]:
    """A line for each."""
    longest = max(map(len, techniques()))
    for technique in techniques().values():
        yield f"{technique.name:{longest}}  {technique.title}"


def describe_technique(name: str) -> Iterator[str]:
    """What it does, which images it takes, and its parameters. Raises UnknownTechnique."""
    technique = find_technique(name)
    yield technique.description
    yield ""
    for image in technique.inputs:
        needed = "" if image.required else " (can be left out)"
        if image.name in technique.one_of:
            needed = f" (one of {', '.join(technique.one_of)})"
        yield _indented(f"FILE or --{image.name} FILE", f"{image.description}{needed}")
    yield from _parameters(technique)


def _parameters(technique: Technique) -> Iterator[str]:
    for name, field in technique.params.model_fields.items():
        default = "needed" if field.default is PydanticUndefined else field.default
        shown = "" if default is None else f" [{default}]"
        yield _indented(f"--{name}", f"{field.description or ''}{shown}")


def _indented(term: str, text: str) -> str:
    return f"{term}\n" + fill(text, _WIDTH, initial_indent="    ", subsequent_indent="    ")
