"""The shape of an OpenAPI document: everything but its texts.

`python -m tests.service.openapi_shape < openapi.json` prints it.
"""

import json
import sys
from typing import Any

_TEXTS = frozenset({"description", "summary", "title"})


def shape(node: Any) -> Any:
    """Return the node without descriptions, summaries and titles at any depth.

    Only texts are left out: a parameter that is called `title` is an object, and stays.
    """
    if isinstance(node, list):
        return [shape(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        name: shape(value)
        for name, value in node.items()
        if not (name in _TEXTS and isinstance(value, str))
    }


def whole(node: Any, document: Any) -> Any:
    """Return the node with each component in the place of its reference."""
    if isinstance(node, list):
        return [whole(item, document) for item in node]
    if not isinstance(node, dict):
        return node
    if isinstance(reference := node.get("$ref"), str):
        found = document
        for name in reference.removeprefix("#/").split("/"):
            found = found[name]
        rest = {name: value for name, value in node.items() if name != "$ref"}
        return whole(found | rest, document)
    # A mapping names components, and so does not say what is sent.
    return {name: whole(value, document) for name, value in node.items() if name != "discriminator"}


def extends(now: Any, before: Any) -> bool:
    """Return whether a shape has all that the one before has, so that its clients keep working.

    Fields, values of a list and alternatives may be added, and a value may become null. A default
    may change, since the response says what was used. An object of any fields may get a schema, or
    several of which one holds. What a request requires may not grow.
    """
    if now == before:
        return True
    if isinstance(now, list) and isinstance(before, list):
        return all(any(extends(new, old) for new in now) for old in before)
    if not isinstance(now, dict) or not isinstance(before, dict):
        return False
    old = {name: value for name, value in before.items() if name != "default"}
    if all(choice.keys() == {"required"} for choice in old.get("oneOf", ())):
        # Which of the fields must be sent may be said otherwise.
        old.pop("oneOf", None)
    if "oneOf" in now and "oneOf" not in old:
        return all(extends(choice, old) for choice in now["oneOf"])
    if "additionalProperties" in old and "additionalProperties" not in now:
        return now.get("type") == "object" and _fit(now, old["additionalProperties"])
    if "anyOf" in now and "anyOf" not in old:
        return any(extends(choice, old) for choice in now["anyOf"])
    return all(name in now and extends(now[name], value) for name, value in old.items())


def _fit(now: Any, value: Any) -> bool:
    """Return whether every field of an object is one of the values that any field might have."""
    if value is True:
        return True
    choices = [value, *value.get("anyOf", ())]
    fields = now["properties"].values()
    return all(any(extends(field, choice) for choice in choices) for field in fields)


def required_by(node: Any) -> set[str]:
    """Return all that the requests of an operation require."""
    if isinstance(node, list):
        return set().union(*map(required_by, node))
    if not isinstance(node, dict):
        return set()
    own = node.get("required")
    named = set(own) if isinstance(own, list) else set()
    return named.union(*map(required_by, node.values()))


if __name__ == "__main__":
    print(json.dumps(shape(json.load(sys.stdin)), indent=1, ensure_ascii=False))
