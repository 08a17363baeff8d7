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


if __name__ == "__main__":
    print(json.dumps(shape(json.load(sys.stdin)), indent=1, ensure_ascii=False))
