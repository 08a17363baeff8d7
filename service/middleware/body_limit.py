"""Refuses a body that is too large while it arrives, before it is kept anywhere."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.addresses import route_path
from service.problems import Problem, problem_response

_UPLOADS = "/v1/image-sets"
_UPLOAD_TYPES = (b"multipart/form-data", b"application/zip", b"application/x-zip")


class BodyTooLarge(Problem):
    """The problem `body_too_large`, with the limit that applies to the request."""

    def __init__(self, limit: int, advice: str) -> None:
        super().__init__("body_too_large", f"The limit is {limit:,} bytes. {advice}")
        self.limit = limit


class BodyLimit:
    """ASGI middleware that counts the bytes of a body as they arrive.

    A Content-Length above the limit is refused at once.
    """

    def __init__(self, app: ASGIApp, limit: int, upload_limit: int) -> None:
        self._app = app
        self._limit = limit
        self._upload_limit = upload_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        too_large = self._refusal(scope)
        if _content_length(scope) > too_large.limit:
            await problem_response(too_large, scope)(scope, receive, send)
        else:
            await self._app(scope, _counted(receive, too_large), send)

    def _refusal(self, scope: Scope) -> BodyTooLarge:
        if _is_upload(scope):
            return BodyTooLarge(self._upload_limit, "Send several requests.")
        return BodyTooLarge(self._limit, "Send a smaller image.")


def _counted(receive: Receive, too_large: BodyTooLarge) -> Receive:
    arrived = 0

    async def counted() -> Message:
        nonlocal arrived
        message = await receive()
        arrived += len(message.get("body", b""))
        if arrived > too_large.limit:
            raise too_large
        return message

    return counted


def _is_upload(scope: Scope) -> bool:
    """Return whether the body is written to a temporary file, as files for an image set are.

    Every other body is read into memory, also JSON for an image set.
    """
    kind: bytes = dict(scope["headers"]).get(b"content-type", b"")
    is_file = kind.strip().lower().startswith(_UPLOAD_TYPES)
    return route_path(scope).startswith(_UPLOADS) and is_file


def _content_length(scope: Scope) -> int:
    length = dict(scope["headers"]).get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0
