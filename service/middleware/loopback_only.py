"""Without API keys the server is for its own machine only: no other client, no other site's pages."""

import ipaddress
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from jobs.api_keys import KeyRing
from service.problems import Problem, answer

_LOCAL_NAMES = frozenset({"localhost"})


class LoopbackOnly:
    """ASGI middleware. With keys configured, the key is what counts and this lets everything through."""

    def __init__(self, app: ASGIApp, keys: KeyRing, allowed_hosts: list[str]) -> None:
        self._app = app
        self._keys = keys
        self._allowed = frozenset(allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = self._refusal(HTTPConnection(scope)) if scope["type"] == "http" else None
        if problem is None:
            await self._app(scope, receive, send)
        else:
            await answer(problem)(scope, receive, send)

    def _refusal(self, connection: HTTPConnection) -> Problem | None:
        if self._keys.configured:
            return None
        if connection.client is not None and not _loopback(connection.client.host):
            return Problem(
                "keys_required", "Make a key with `retinoscope keys create NAME`, then send it."
            )
        if not self._known(connection.headers.get("host", "localhost")):
            return Problem(
                "forbidden_origin",
                "The Host header names another machine. See RETINOSCOPE_ALLOWED_HOSTS.",
            )
        origin = connection.headers.get("origin")
        if origin is not None and not self._known(origin.partition("://")[2]):
            return Problem(
                "forbidden_origin",
                "The Origin header names another site. Make an API key and send it.",
            )
        return None

    def _known(self, netloc: str) -> bool:
        try:
            name = urlsplit(f"//{netloc}").hostname or ""
        except ValueError:  # an unfinished IPv6 address
            return False
        return name in _LOCAL_NAMES or name in self._allowed or _loopback(name)


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in _LOCAL_NAMES
