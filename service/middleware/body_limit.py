"""Bounds the bodies of requests: each in bytes and in time, and all of this process together.

What is too large, too slow or too much is refused while it arrives, before it is kept anywhere.
"""

import asyncio
from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jobs.settings import Settings
from service.addresses import route_path
from service.problems import Problem, problem_response
from service.shared_bytes import SharedBytes

# The names in the state of the request: whose it is, once that is known, and its body.
OWNER = "owner"
_BODY = "arriving_body"

_UPLOADS = "/v1/image-sets"
_UPLOAD_TYPES = (b"multipart/form-data", b"application/zip", b"application/x-zip")


@dataclass(frozen=True)
class _Bounds:
    """The bounds of one kind of body, and the room that all bodies of the kind have together."""

    most: int
    advice: str
    room: SharedBytes
    pause_s: float
    timeout_s: float

    def too_large(self) -> Problem:
        return Problem("body_too_large", f"The limit is {self.most:,} bytes. {self.advice}")


class BodyLimit:
    """ASGI middleware that counts the bytes of bodies as they arrive.

    A Content-Length above the limit is refused at once, and one for which there is no room before
    anything of the body is read. The room is given back when the request has been answered, or
    when its handler says that it has dropped the body.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        patience = (settings.body_pause_s, settings.body_timeout_s)
        most, uploads = settings.max_body_bytes, settings.max_upload_bytes
        room = SharedBytes(settings.max_bodies_bytes, largest=most)
        files = SharedBytes(settings.max_uploads_bytes, largest=uploads)
        self._in_memory = _Bounds(most, "Send a smaller image.", room, *patience)
        self._in_file = _Bounds(uploads, "Send several requests.", files, *patience)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        bounds = self._in_file if _is_upload(scope) else self._in_memory
        if _content_length(scope) > bounds.most:
            await problem_response(bounds.too_large(), scope)(scope, receive, send)
            return
        body = _ArrivingBody(scope, receive, bounds)
        scope.setdefault("state", {})[_BODY] = body
        try:
            await self._app(scope, body.receive, send)
        finally:
            body.drop()


def drop_body(connection: HTTPConnection) -> None:
    """Give back the room of a body that its handler no longer holds, and does not read further."""
    getattr(connection.state, _BODY).drop()


class _ArrivingBody:
    """The body of one request. `receive` raises Problem."""

    def __init__(self, scope: Scope, receive: Receive, bounds: _Bounds) -> None:
        self._scope = scope
        self._receive = receive
        self._bounds = bounds
        self._owner: str | None = None
        self._arrived = self._taken = 0
        self._waited_s = 0.0
        self._ended = False

    async def receive(self) -> Message:
        if self._owner is None:
            self._owner = self._scope["state"].get(OWNER, "")
            self._take(_content_length(self._scope))
        if self._ended:
            # What is waited for now is the end of the connection.
            return await self._receive()
        message = await self._next()
        self._arrived += len(message.get("body", b""))
        self._ended = not message.get("more_body", False)
        if self._arrived > self._bounds.most:
            raise self._bounds.too_large()
        self._take(self._arrived - self._taken)
        return message

    def drop(self) -> None:
        """Give back all room, once."""
        if self._taken:
            self._bounds.room.give_back(self._owner or "", self._taken)
            self._taken = 0

    def _take(self, count: int) -> None:
        owner, room = self._owner or "", self._bounds.room
        if count <= 0:
            return
        if not room.fits(owner, count):
            raise _no_room(room.has_share(owner, count))
        room.take(owner, count)
        self._taken += count

    async def _next(self) -> Message:
        """Wait for the next part, for as long as a part and the whole body may take."""
        clock = asyncio.get_running_loop().time
        began, left = clock(), self._bounds.timeout_s - self._waited_s
        try:
            async with asyncio.timeout(min(self._bounds.pause_s, left)):
                message = await self._receive()
        except TimeoutError:
            raise _too_slow(self._bounds) from None
        self._waited_s += clock() - began
        return message


def _no_room(others: bool) -> Problem:
    whose = "Other requests have" if others else "Other requests of yours have"
    return Problem(
        "intake_full",
        f"{whose} bodies that arrive or wait now, and there is no room for this one beside them. "
        "Nothing was accepted. Send the request again.",
    )


def _too_slow(bounds: _Bounds) -> Problem:
    return Problem(
        "body_too_slow",
        f"The body may pause for {bounds.pause_s:g} s and take {bounds.timeout_s:g} s in all. "
        "Nothing was accepted.",
        headers={"Connection": "close"},
    )


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
