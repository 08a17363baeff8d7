"""HEAD is GET without the body (RFC 9110, section 9.3.2); the server leaves the body out."""

from starlette.types import ASGIApp, Receive, Scope, Send

# In the scope of a request that was a HEAD: an answer without an end must know.
HEAD = "retinoscope.head"


class HeadRequests:
    """ASGI middleware. The server keeps its own scope, and by it knows that no body is wanted."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET", HEAD: True}
        await self._app(scope, receive, send)
