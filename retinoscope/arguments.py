"""The arguments of `retinoscope run`: files, and parameters as `--name value` or `--name`."""

from collections.abc import Iterator

from catalog.technique import Technique
from retinoscope.errors import StackError

_BOOLEANS = ("true", "false", "1", "0", "yes", "no", "on", "off")
# Options of jobs that a run without a server does not have, and what to do instead.
_SERVER_ONLY = {
    "cache": "A run always computes its result. Leave it out.",
    "deadline_s": "A run has no deadline; stop it with Ctrl+C.",
}


def split_arguments(technique: Technique, arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return the files and the parameters by name. Raises StackError.

    A parameter that is true or false needs no value: `--check` is `--check true`.
    """
    files: list[str] = []
    fields: dict[str, str] = {}
    for name, value in _pairs(technique, arguments):
        if not name:
            files.append(value)
            continue
        if name in _SERVER_ONLY:
            raise StackError(f"--{name} is an option of the server. {_SERVER_ONLY[name]}")
        if name in fields:
            raise StackError(f"--{name} is given twice. Give it once.")
        fields[name] = value
    return files, fields


def _pairs(technique: Technique, arguments: list[str]) -> Iterator[tuple[str, str]]:
    """Yield names and values; the name of a file is empty."""
    left = list(reversed(arguments))
    while left:
        argument = left.pop()
        if not argument.startswith("--"):
            yield "", argument
            continue
        written, equals, value = argument[2:].partition("=")
        name = written.replace("-", "_")
        if equals:
            yield name, value
        elif _is_flag(technique, name) and not (left and left[-1].lower() in _BOOLEANS):
            yield name, "true"
        elif not left or left[-1].startswith("--"):
            raise StackError(f"--{written} needs a value.")
        else:
            yield name, left.pop()


def _is_flag(technique: Technique, name: str) -> bool:
    field = technique.params.model_fields.get(name)
    return field is not None and field.annotation is bool
