"""Prints the text of openapi/openapi.json.

`make openapi` runs it, and a test fails when the committed file is stale.
"""

import json

from service.app import create_app


def document() -> str:
    """Return the OpenAPI document as it is committed."""
    return json.dumps(create_app().openapi(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(document(), end="")
