"""Errors and descriptions of the catalog in words of the command line.

They are written for clients of the API: they name its addresses, and show parts of curl's forms.
"""

import re
from collections.abc import Iterable, Iterator

from catalog.listings import LISTINGS
from catalog.registry import techniques

# Other phrases of descriptions and errors, and what they are called here.
_PHRASES = {
    r"as listed by GET /v1/models": "as `retinoscope models list` lists it",
    r"GET /v2/models lists the names\.": "`retinoscope models check` lists the names.",
    r"Id of an image set, made by POST /v1/image-sets\. \(`retinoscope run` takes a folder of "
    r"images\.\)": "A folder of images.",
    r"Add images with POST /v1/image-sets/\{id\}/images\.": "Name a folder with images.",
    r"Create (one|another)( image set)? with POST /v1/image-sets\.": "Name a folder with images.",
    r"Upload it with -F (\w+)=@[\w.]+ or with POST /v1/images\.": r"Name its file: --\1 photo.jpg.",
    r"Upload it with POST /v1/images\.": "Name its file.",
    r"Poll the job instead with GET /v1/jobs/\{id\}\?wait=60, or retry later\.": "Try again.",
    r"or let this call wait longer, with \?wait=60": "or later",
    r"Origin of the model, for GET /v1/models": "Origin of the model",
    r"-F (\w+)=@?([^\s,.;)]+(?:\.\w+)?)": r"--\1 \2",
}


def on_command_line(text: str) -> str:
    """Return a text of the catalog with what a user of the command line can do."""
    for pattern, replacement in _REPLACEMENTS:
        text = pattern.sub(replacement, text)
    return text


def with_options(text: str, pointers: Iterable[str]) -> str:
    """Return the text of an error whose parameters, by JSON pointers, are named as options."""
    for name in {pointer.strip("/").partition("/")[0] for pointer in pointers} - {""}:
        text = re.sub(rf"(^|; ){re.escape(name)}: (?=[A-Z])", rf"\1--{name}: ", text)
    return on_command_line(text)


def _replacements() -> Iterator[tuple[re.Pattern[str], str]]:
    for listing in LISTINGS:
        pattern = re.escape(listing.http).replace(r"\{model\}", r"([^\s/]+)")
        yield re.compile(pattern), listing.command.replace("{model}", r"\1")
    for phrase, replacement in _PHRASES.items():
        yield re.compile(phrase), replacement
    names = {name for each in techniques().values() for name in each.params.model_fields}
    yield re.compile(rf"\b({'|'.join(sorted(names))})=(\w+)"), r"--\1 \2"


_REPLACEMENTS = tuple(_replacements())
