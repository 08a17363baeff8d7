"""The parameters of a technique from what a client sent."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from catalog.errors import InvalidParameters, Violation, near_matches, shown
from catalog.technique import Params, Technique

_MOST_VIOLATIONS = 20
# What to say in place of pydantic's messages that name Python's types or pydantic's own rules.
_MESSAGES = {
    "extra_forbidden": "There is no such parameter",
    "missing": "It is required",
    "bool_parsing": "Must be true or false",
    "bool_type": "Must be true or false",
    "finite_number": "Must be a finite number",
    "float_parsing": "Must be a number",
    "float_type": "Must be a number",
    "int_from_float": "Must be a whole number",
    "int_parsing": "Must be a whole number",
    "int_parsing_size": "Must be a whole number of fewer digits",
    "int_type": "Must be a whole number",
    "string_type": "Must be a text",
}


def parse_parameters(
    technique: Technique, fields: Mapping[str, Any], other_names: Collection[str] = ()
) -> Params:
    """Validate what was sent as parameters of a technique.

    `other_names` are possible fields of the request that are no parameters, for the advice on a
    misspelled name. Raises InvalidParameters.
    """
    try:
        return technique.params.model_validate(fields)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
    refused = invalid_parameters(errors)
    unknown = [str(part["loc"][-1]) for part in errors if part["type"] == "extra_forbidden"]
    if not unknown:
        raise refused
    names = sorted([*technique.params.model_fields, *other_names])
    raise InvalidParameters(
        f"{refused.detail}.{near_matches(unknown[0], names)}"
        f" The parameters of {technique.name} are: {', '.join(names)}.",
        refused.errors,
    )


def invalid_parameters(errors: Iterable[Any], skip: int = 0) -> InvalidParameters:
    """Return pydantic's errors as one error, which has the first twenty of them.

    The first `skip` parts of each location are left out of the JSON pointers.
    """
    found = list(errors)
    violations = [
        Violation("".join(f"/{_escape(part)}" for part in error["loc"][skip:]), _message(error))
        for error in found[:_MOST_VIOLATIONS]
    ]
    said = [
        f"{violation.pointer.strip('/') or 'body'}: {violation.message}" for violation in violations
    ]
    if len(found) > len(said):
        said.append(f"and {len(found) - len(said):,} more")
    return InvalidParameters("; ".join(said), violations)


def _message(error: Any) -> str:
    """Return pydantic's message in words that a client of the API knows."""
    if error["type"] in _MESSAGES:
        return _MESSAGES[error["type"]]
    said = str(error["msg"]).removeprefix("Value error, ")
    return re.sub(r"^(Input|String|Value|List) should ", "Must ", said)


def _escape(part: object) -> str:
    """Return one step of a JSON pointer (RFC 6901)."""
    return shown(str(part)).replace("~", "~0").replace("/", "~1")
