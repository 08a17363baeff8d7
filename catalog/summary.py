"""What a summary is made of: objects whose JSON Schema says exactly what is sent of them."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic_core import CoreSchema

_NULL = {"type": "null"}


class SummaryPart(BaseModel):
    """An object in a summary, the summary itself, or another that is sent by the same rule.

    A field that is None is left out of the JSON, unless `sent_as_null` names it. Every other field
    is always there. The schema states this, and admits further fields, which a later version may
    add; the model itself refuses them.
    """

    model_config = ConfigDict(extra="forbid")

    sent_as_null: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        # A serializer that is a function says nothing about the fields.
        fields: Any = {key: value for key, value in core_schema.items() if key != "serialization"}
        reference = handler(fields)
        schema = handler.resolve_ref_schema(reference)
        properties = schema.get("properties", {})
        schema["required"] = [
            name
            for name, field in properties.items()
            if not _is_nullable(field) or name in cls.sent_as_null
        ]
        schema["properties"] = {
            name: field if name in cls.sent_as_null else _without_null(field)
            for name, field in properties.items()
        }
        schema.pop("additionalProperties", None)
        if not schema["required"]:
            del schema["required"]
        return reference


def _is_nullable(field: dict[str, Any]) -> bool:
    return _NULL in field.get("anyOf", ())


def _without_null(field: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a field that is never null. A default is of no use to a reader."""
    kept = {key: value for key, value in field.items() if key not in ("anyOf", "default")}
    if not (choices := field.get("anyOf")):
        return kept
    values = [choice for choice in choices if choice != _NULL]
    return kept | values[0] if len(values) == 1 else kept | {"anyOf": values}
