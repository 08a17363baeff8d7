"""The arguments of `run` and `submit`: files, and parameters as `--name value` or `--name`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from catalog.errors import near_matches
from catalog.technique import InputSpec, Technique
from retinoscope.errors import StackError

_BOOLEANS = ("true", "false", "1", "0", "yes", "no", "on", "off")
_COUNTS = ("no file", "one file", "two files", "three files", "four files", "five files")
# Options of jobs, which only a server has, and what to do in a run without one.
SERVER_OPTIONS = {
    "cache": "A run always computes its result. Leave it out.",
    "deadline_s": "A run has no deadline; stop it with Ctrl+C.",
    "webhook": "A run ends with its files. Leave it out.",
    "webhook_events": "A run ends with its files. Leave it out.",
}


def split_arguments(
    technique: Technique, arguments: list[str], server: bool = False
) -> tuple[list[str], dict[str, str]]:
    """Return the files and the parameters by name. Raises StackError.

    A parameter that is true or false needs no value: `--check` is `--check true`. With `server`
    the options of jobs are parameters, too.
    """
    files: list[str] = []
    fields: dict[str, str] = {}
    for name, value in _pairs(technique, arguments, server):
        if not name:
            files.append(value)
            continue
        if name in SERVER_OPTIONS and not server:
            raise StackError(f"--{name} is an option of the server. {SERVER_OPTIONS[name]}")
        if name in fields:
            raise StackError(f"--{name} is given twice. Give it once.")
        fields[name] = value
    return files, fields


def place_files(
    technique: Technique, files: Sequence[str], named: Mapping[str, str], command: str
) -> dict[str, str]:
    """Return the files by the names of the inputs. Raises StackError.

    They are given by their place in the command, or as `--name file`. A file whose name ends in
    .npy is an array.
    """
    paths = dict(named)
    for file in files:
        free = [
            spec for spec in technique.inputs if spec.name not in paths and _accepts(spec, file)
        ]
        if not free:
            raise _usage(technique, files, command)
        paths[free[0].name] = file
    chosen = [name for name in technique.one_of if name in paths]
    required = {image.name for image in technique.inputs if image.required}
    if required - paths.keys() or (technique.one_of and len(chosen) != 1):
        raise _usage(technique, files, command)
    return paths


def is_array(file: str | Path) -> bool:
    """Return whether a file is an array, by its name."""
    return Path(file).suffix.lower() == ".npy"


def _usage(technique: Technique, files: Sequence[str], command: str) -> StackError:
    places = [f"<{image.name} file>" for image in technique.inputs if image.required]
    if technique.one_of:
        places.append(" or ".join(f"<{name} file>" for name in technique.one_of))
    needed = " and ".join(places) or "no file"
    given = _COUNTS[len(files)] if len(files) < len(_COUNTS) else f"{len(files)} files"
    written = " ".join(["retinoscope", command, technique.name, *places, "--parameter value"])
    return StackError(
        f"{technique.name} needs {needed}, and the command has {given}. Write: {written}."
    )


def _accepts(spec: InputSpec, file: str) -> bool:
    """Return whether the input takes the file, by the file's name."""
    if is_array(file):
        return spec.kind == "array" or spec.bands
    return spec.kind == "image"


def _pairs(technique: Technique, arguments: list[str], server: bool) -> Iterator[tuple[str, str]]:
    """Yield names and values; the name of a file is empty."""
    left = list(reversed(arguments))
    while left:
        argument = left.pop()
        if not argument.startswith("--"):
            yield "", argument
            continue
        written, equals, value = argument[2:].partition("=")
        name = written.replace("-", "_")
        _check_name(technique, name, server)
        if equals:
            yield name, value
        elif _is_flag(technique, name) and not (left and left[-1].lower() in _BOOLEANS):
            yield name, "true"
        elif not left or left[-1].startswith("--"):
            raise StackError(f"--{written} needs a value.")
        else:
            yield name, left.pop()


def _check_name(technique: Technique, name: str, server: bool) -> None:
    images = [spec.name for spec in technique.inputs]
    known = sorted([*technique.params.model_fields, *images, *(SERVER_OPTIONS if server else ())])
    if name not in known and name not in SERVER_OPTIONS:
        near = re.sub(r"'(\w+)'", r"--\1", near_matches(name, known))
        raise StackError(
            f"{technique.name} has no parameter --{name}.{near} "
            f"`retinoscope techniques {technique.name}` lists them."
        )


def _is_flag(technique: Technique, name: str) -> bool:
    field = technique.params.model_fields.get(name)
    return name == "cache" or (field is not None and field.annotation is bool)
