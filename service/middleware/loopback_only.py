"""Without API keys the server serves its own machine only, and no page of another site."""

import ipaddress
from urllib.parse import urlsplit

from redis import RedisError
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from jobs.errors import KeysMissing, KeysUnreadable
from service.addresses import route_path
from service.inference.paths import HEALTH_CHECKS
from service.key_guard import KeyGuard
from service.problems import Problem, problem_response

_LOCAL_NAMES = frozenset({"localhost"})
# Whoever watches the process asks from another machine, with an address as its Host, and has no
# key. The answers are the same for everybody.
_HEALTH_CHECKS = frozenset({"/healthz", "/readyz"}) | HEALTH_CHECKS


class LoopbackOnly:
    """ASGI middleware that refuses remote clients and foreign origins.

    Once keys are configured, the key alone decides, and every request passes. Health checks
    always do.
    """

    def __init__(self, app: ASGIApp, keys: KeyGuard, allowed_hosts: list[str]) -> None:
        self._app = app
        self._keys = keys
        self._allowed = frozenset(allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = None
        if scope["type"] == "http" and not (_is_health_check(scope) or await self._keyed()):
            problem = self._refusal(HTTPConnection(scope))
        if problem is None:
            await self._app(scope, receive, send)
        else:
            await problem_response(problem, scope)(scope, receive, send)

    async def _keyed(self) -> bool:
        """Return whether the route checks a key, which it then refuses if keys are not at hand."""
        try:
            return await self._keys.required()
        except (KeysMissing, KeysUnreadable, RedisError):
            return True

    def _refusal(self, connection: HTTPConnection) -> Problem | None:
        if connection.client is not None and not _is_loopback(connection.client.host):
            return Problem(
                "keys_required",
                "Create a key with `retinoscope keys create NAME`, and send it with every request.",
            )
        if not self._is_allowed(connection.headers.get("host", "localhost")):
            return Problem(
                "forbidden_origin",
                "The Host header names another machine. See RETINOSCOPE_ALLOWED_HOSTS.",
            )
        origin = connection.headers.get("origin")
        if origin is not None and not self._is_allowed(origin.partition("://")[2]):
            return Problem(
                "forbidden_origin",
                "The Origin header names another site. Create an API key and send it.",
            )
        return None

    def _is_allowed(self, netloc: str) -> bool:
        try:
            name = urlsplit(f"//{netloc}").hostname or ""
        except ValueError:
            # An IPv6 address without its closing bracket.
            return False
        return name in _LOCAL_NAMES or name in self._allowed or _is_loopback(name)


def _is_health_check(scope: Scope) -> bool:
    return scope["method"] in ("GET", "HEAD") and route_path(scope) in _HEALTH_CHECKS


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in _LOCAL_NAMES
