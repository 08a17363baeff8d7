"""Prints the text of retinoscope_client/techniques.py, made of the catalog.

`make openapi` runs it, and a test fails when the committed file is stale.
"""

from collections.abc import Iterator
from textwrap import indent, wrap
from typing import Any

from catalog.registry import techniques
from catalog.technique import Technique

_HEAD = '''"""A method for each technique; client/write_techniques.py writes this file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, Literal, TypedDict, TypeVar, Unpack

from retinoscope_client.image_sets import ImageSet
from retinoscope_client.images import ImageLike

J = TypeVar("J")
R = TypeVar("R")
# Names of parameters that are images or arrays.
INPUTS = frozenset({inputs})


class Options(TypedDict, total=False):
    """Options of every job. `idempotency_key` is drawn by default, for each call."""

    deadline_s: float
    cache: bool
    webhook: str
    webhook_events: str
    labels: dict[str, str]
    idempotency_key: str


class Techniques(ABC, Generic[J, R]):
    """A client with a method for each technique. A parameter that is None has its default."""

    @abstractmethod
    def submit(self, technique: str, **params: Any) -> J:
        """Create a job."""

    @abstractmethod
    def run(self, technique: str, **params: Any) -> R:
        """Create a job and return its result."""
'''
# What the catalog says to clients of HTTP, and what to say here.
_WORDS = {
    "as listed by GET /v1/models": "as `models()` lists it",
    "Id of an image set, made by POST /v1/image-sets. (`retinoscope run` takes a folder of "
    "images.)": "An image set of `image_set()`, or its id.",
}
_LONGEST = 60
_KINDS = {"integer": "int", "number": "float", "boolean": "bool", "string": "str"}


def document() -> str:
    """Return the module as it is committed."""
    known = techniques().values()
    names = sorted({spec.name for technique in known for spec in technique.inputs})
    inputs = "\n    {" + ", ".join(f'"{name}"' for name in names) + "}\n"
    return _HEAD.replace("{inputs}", inputs) + "".join(map(_method, known))


def _method(technique: Technique) -> str:
    """Return a method. `predict` returns the result, which takes milliseconds."""
    call, made = ("run", "R") if technique.name == "predict" else ("submit", "J")
    images = {spec.name: spec for spec in technique.inputs}
    schema = technique.params.model_json_schema()
    required = schema.get("required", [])
    words = sorted(schema["properties"], key=lambda name: name not in required)
    places = [
        f"{name}: ImageLike" if spec.required else f"{name}: ImageLike | None = None"
        for name, spec in images.items()
    ]
    named = [_typed(name, schema["properties"][name], name in required) for name in words]
    arguments = "".join(
        f"        {part},\n"
        for part in ["self", *places, "*", *named, "**options: Unpack[Options]"]
    )
    passed = "".join(f"            {name}={name},\n" for name in [*images, *words])
    docs = indent('"""' + "\n".join(_docs(technique, words)) + '\n"""', " " * 8).replace(
        "\n        \n", "\n\n"
    )
    return (
        f"\n    def {technique.name}(\n{arguments}    ) -> {made}:\n{docs}\n"
        f'        return self.{call}(\n            "{technique.name}",\n{passed}'
        f"            **options,\n        )\n"
    )


def _typed(name: str, schema: dict[str, Any], required: bool) -> str:
    kinds = schema.get("anyOf", [schema])
    kind = next(each for each in kinds if each.get("type") != "null")
    values = ", ".join(f'"{value}"' for value in kind.get("enum", []))
    # A list that fills more than a line is left to the server.
    listed = values and len(values) < _LONGEST
    text = f"Literal[{values}]" if listed else _KINDS[kind["type"]]
    text = f"ImageSet | {text}" if name == "image_set" else text
    return f"{name}: {text}" if required else f"{name}: {text} | None = None"


def _docs(technique: Technique, words: list[str]) -> Iterator[str]:
    yield f"Create a job: {technique.title}."
    yield ""
    for paragraph in technique.description.split("\n\n"):
        yield from wrap(paragraph, 88, break_on_hyphens=False)
        yield ""
    for spec in technique.inputs:
        yield from _item(spec.name, spec.description)
    fields = technique.params.model_fields
    for name in words:
        default = fields[name].get_default()
        shown = "" if fields[name].is_required() or default is None else f" [{default}]"
        yield from _item(name, f"{fields[name].description}{shown}")


def _item(name: str, text: str) -> list[str]:
    for here, there in _WORDS.items():
        text = text.replace(here, there)
    return wrap(f"{name}: {text}", 88, subsequent_indent="    ", break_on_hyphens=False)


if __name__ == "__main__":
    print(document(), end="")
