"""Access to the files of catalog/data."""

import json
from importlib.resources import files
from typing import Any


def data_file(name: str) -> str:
    """Return the text of a file."""
    return (files("catalog") / "data" / name).read_text(encoding="utf-8")


def data_table(name: str) -> dict[str, Any]:
    """Return the object in a JSON file."""
    table: dict[str, Any] = json.loads(data_file(name))
    return table
