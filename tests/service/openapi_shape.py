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


def extends(now: Any, before: Any) -> bool:
    """Return whether a shape has all that the one before has, so that its clients keep working.

    Fields, values of a list and alternatives may be added, and a value may become null. A default
    may change, since the response says what was used. What a request requires may not grow.
    """
    if now == before:
        return True
    if isinstance(now, list) and isinstance(before, list):
        return all(any(extends(new, old) for new in now) for old in before)
    if not isinstance(now, dict) or not isinstance(before, dict):
        return False
    old = {name: value for name, value in before.items() if name != "default"}
    if "anyOf" in now and "anyOf" not in old:
        return any(extends(choice, old) for choice in now["anyOf"])
    return all(name in now and extends(now[name], value) for name, value in old.items())


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
