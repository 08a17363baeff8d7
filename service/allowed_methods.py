"""The header `Allow` of a 405: every method that an address has (RFC 9110, section 15.5.6).

The router names the methods of the first route that it finds, and an address has a route for each
method.
"""

import re
from functools import lru_cache

from fastapi import FastAPI
from starlette.routing import compile_path

_compiled = lru_cache(maxsize=1000)(compile_path)
_PART = re.compile(r"{\w+}")
_METHODS = ("get", "head", "post", "put", "patch", "delete")


def allowed_methods(app: FastAPI, path: str) -> str:
    """Return the methods of all operations at a path, such as `GET, HEAD, POST`.

    The address is that of the closest template: `/v1/jobs/saliency` is a technique's and
    `/v1/models/dogs:explain` a verb's, although a job's and a model's address have the same form.
    Empty for an address that OpenAPI does not have.
    """
    paths = app.openapi()["paths"]
    templates = [template for template in paths if _compiled(template)[0].match(path)]
    closest = min(map(_openness, templates), default=None)
    found = {
        method
        for template in templates
        if _openness(template) == closest
        for method in paths[template]
    }
    if "get" in found:
        found.add("head")
    return ", ".join(method.upper() for method in _METHODS if method in found)


def _openness(template: str) -> tuple[int, int]:
    """Return how many parts of a template stand for any text, and minus how much is literal."""
    return template.count("{"), -len(_PART.sub("", template))
