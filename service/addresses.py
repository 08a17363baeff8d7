"""The addresses that responses name: behind a proxy they begin with its path prefix.

`service.middleware.own_address` sets both for the time of a request, in a context variable, so that
no function that makes a view has to pass them on. Threads that serve the request see them, too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from fastapi import FastAPI
from starlette.types import Scope

# The address in the committed OpenAPI document, which no request has asked for.
EXAMPLE_ORIGIN = "http://127.0.0.1:8000"

_origin = ContextVar("origin", default=EXAMPLE_ORIGIN)
_root_path = ContextVar("root_path", default="")


@contextmanager
def served_at(origin: str, root_path: str) -> Iterator[None]:
    """Let addresses begin with this origin (`https://host:port`) and path prefix."""
    tokens = _origin.set(origin), _root_path.set(root_path)
    try:
        yield
    finally:
        _origin.reset(tokens[0])
        _root_path.reset(tokens[1])


def address(path: str) -> str:
    """Return the address of a path of this API, without scheme and host."""
    return f"{_root_path.get()}{path}"


def route_path(scope: Scope) -> str:
    """Return the path of a request without the prefix."""
    return str(scope["path"]).removeprefix(scope.get("root_path", "")) or "/"


def own_url(path: str) -> str:
    """Return the URL of a path of this API as the client of the request reaches it."""
    return f"{_origin.get()}{address(path)}"


def name_own_address(app: FastAPI) -> None:
    """Let the example in the OpenAPI document name the address at which the client asks."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        info = document["info"]
        description = info["description"].replace(f"{EXAMPLE_ORIGIN}/", own_url("/"))
        return {**document, "info": {**info, "description": description}}

    app.openapi = openapi  # type: ignore[method-assign]
