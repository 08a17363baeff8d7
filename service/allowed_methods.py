"""The header `Allow` of a 405: every method that an address has (RFC 9110, section 15.5.6).

The router names the methods of the first route that it finds, and an address has a route for each
method.
"""

from functools import lru_cache

from fastapi import FastAPI
from starlette.routing import compile_path

_compiled = lru_cache(maxsize=1000)(compile_path)
_METHODS = ("get", "head", "post", "put", "patch", "delete")


def allowed_methods(app: FastAPI, path: str) -> str:
    """Return the methods of all operations at a path, such as `GET, HEAD, POST`.

    `/v1/jobs/saliency` is the address of a technique, although a job's address has the same form.
    Empty for an address that OpenAPI does not have.
    """
    paths = app.openapi()["paths"]
    templates = [template for template in paths if _compiled(template)[0].match(path)]
    fewest = min((template.count("{") for template in templates), default=0)
    found = {
        method
        for template in templates
        if template.count("{") == fewest
        for method in paths[template]
    }
    if "get" in found:
        found.add("head")
    return ", ".join(method.upper() for method in _METHODS if method in found)
