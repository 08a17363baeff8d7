"""Notes under which address the client of a request reaches the API, behind a proxy or not."""

import ipaddress
import re
from collections.abc import Sequence

from pydantic import IPvAnyNetwork
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from jobs.root_path import checked_root_path
from service.addresses import EXAMPLE_ORIGIN, served_at
from service.problems import Problem, problem_response

PREFIX_HEADER = "x-forwarded-prefix"
_HOST = re.compile(r"[A-Za-z0-9._-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
# The scope's key for whether the client that has connected is a trusted proxy.
_TRUSTED = "retinoscope.trusted_proxy"


class TrustedPeer:
    """ASGI middleware that notes whether a trusted proxy has connected.

    It comes before the middleware that puts the client of `X-Forwarded-For` in its place.
    """

    def __init__(self, app: ASGIApp, trusted: Sequence[IPvAnyNetwork]) -> None:
        self._app = app
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[_TRUSTED] = self._trusts(scope.get("client"))
        await self._app(scope, receive, send)

    def _trusts(self, client: tuple[str, int] | None) -> bool:
        try:
            peer = ipaddress.ip_address(client[0]) if client else None
        except ValueError:
            return False
        return peer is not None and any(peer in network for network in self._trusted)


class OwnAddress:
    """ASGI middleware that sets `root_path`, and what `service.addresses` returns.

    The prefix is that of `X-Forwarded-Prefix` if a trusted proxy sent one, otherwise that of the
    settings. A proxy may have removed it from the path, or not.
    """

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        self._app = app
        self._root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            root_path = self._prefix(scope, headers)
        except ValueError as error:
            problem = Problem(
                "invalid_request", f"The header X-Forwarded-Prefix is wrong: {error}."
            )
            await problem_response(problem, scope)(scope, receive, send)
            return
        with served_at(_origin(scope, headers), root_path):
            await self._app(_below(scope, root_path), receive, send)

    def _prefix(self, scope: Scope, headers: Headers) -> str:
        """Return the path prefix of the request. Raises ValueError."""
        sent = headers.getlist(PREFIX_HEADER) if scope.get(_TRUSTED) else []
        return checked_root_path(", ".join(sent)) if sent else self._root_path


def _below(scope: Scope, root_path: str) -> Scope:
    """Return the scope with the prefix in both `root_path` and `path`, as ASGI wants it."""
    path: str = scope["path"]
    if not root_path:
        return scope
    if path == root_path:
        path = f"{root_path}/"
    elif not path.startswith(f"{root_path}/"):
        path = root_path + path
    return {**scope, "root_path": root_path, "path": path}


def _origin(scope: Scope, headers: Headers) -> str:
    """Return scheme and host as the client named them."""
    host = headers.get("host", "")
    return f"{scope['scheme']}://{host}" if _HOST.fullmatch(host) else EXAMPLE_ORIGIN
