"""Adds the rate limit of an owner to every response, errors included."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# The name in the state of the request.
STATE = "allowance"


class RateLimitHeaders:
    """Middleware that reads what `service.dependencies` has noted in the state of the request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start" and STATE in state:
                MutableHeaders(scope=message).update(state[STATE].headers())
            await send(message)

        await self._app(scope, receive, send_with_headers)
