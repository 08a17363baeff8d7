"""Refuses a body that is too large while it arrives, before anything keeps it."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.problems import Problem, answer


class BodyTooLarge(Problem):
    def __init__(self, limit: int) -> None:
        super().__init__("body_too_large", f"The limit is {limit:,} bytes. Send a smaller image.")


class BodyLimit:
    """ASGI middleware. Counts what arrives, and believes a Content-Length that is already too large."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif _announced(scope) > self._limit:
            await answer(BodyTooLarge(self._limit))(scope, receive, send)
        else:
            await self._app(scope, self._counted(receive), send)

    def _counted(self, receive: Receive) -> Receive:
        arrived = 0

        async def counted() -> Message:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get("body", b""))
            if arrived > self._limit:
                raise BodyTooLarge(self._limit)
            return message

        return counted


def _announced(scope: Scope) -> int:
    length = dict(scope["headers"]).get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0
