"""Errors and descriptions of the catalog in words of the command line.

They are written for clients of the API: they name its addresses, and show parts of curl's forms.
"""

import re
from collections.abc import Iterator

from catalog.listings import LISTINGS

# Other phrases of descriptions and errors, and what they are called here.
_PHRASES = {
    r"as listed by GET /v1/models": "as `retinoscope models list` lists it",
    r"Id of an image set, made by POST /v1/image-sets\. \(`retinoscope run` takes a folder of "
    r"images\.\)": "A folder of images.",
    r"Add images with POST /v1/image-sets/\{id\}/images\.": "Name a folder with images.",
    r"-F (\w+)=@?([^\s,.;)]+(?:\.\w+)?)": r"--\1 \2",
}


def on_command_line(text: str) -> str:
    """Return a text of the catalog with what a user of the command line can do."""
    for pattern, replacement in _REPLACEMENTS:
        text = pattern.sub(replacement, text)
    return text


def _replacements() -> Iterator[tuple[re.Pattern[str], str]]:
    for listing in LISTINGS:
        pattern = re.escape(listing.http).replace(r"\{model\}", r"([^\s/]+)")
        yield re.compile(pattern), listing.command.replace("{model}", r"\1")
    for phrase, replacement in _PHRASES.items():
        yield re.compile(phrase), replacement


_REPLACEMENTS = tuple(_replacements())
