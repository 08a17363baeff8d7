"""HEAD is GET without the body (RFC 9110, section 9.3.2)."""

from starlette.types import ASGIApp, Receive, Scope, Send

# A key in the scope of a request that was a HEAD: an endless stream must not be started for it.
HEAD = "retinoscope.head"


class HeadRequests:
    """ASGI middleware that turns HEAD into GET.

    The server keeps its own scope, in which the method is still HEAD, and leaves the body out.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET", HEAD: True}
        await self._app(scope, receive, send)
