"""What is wrong with a table of the models file, in sentences."""

from typing import Any

from pydantic import BaseModel, ValidationError

from catalog.errors import near_matches


def sentences(error: ValidationError, table: type[BaseModel]) -> str:
    """Return one sentence for each field of the table that is wrong, in the order of the errors."""
    parts = {part["loc"][:1]: part for part in reversed(error.errors(include_url=False))}
    return " ".join(_sentence(part, table) for part in reversed(parts.values()))


def _sentence(part: Any, table: type[BaseModel]) -> str:
    field = str(part["loc"][0]) if part["loc"] else "table"
    match part["type"]:
        case "missing":
            return f"{field}: missing. {table.model_fields[field].description}"
        case "extra_forbidden":
            known = list(table.model_fields)
            near = near_matches(field, known)
            return f"{field}: there is no such field.{near} The fields are: {', '.join(known)}."
        case "value_error":
            return (
                str(part["ctx"]["error"])
                if field == "table"
                else f"{field}: {part['ctx']['error']}"
            )
        case _:
            return f"{field}: {part['msg']}, not {part['input']!r:.60}."
