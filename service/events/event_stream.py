"""One client's stream of server-sent events (WHATWG HTML, section 9.2)."""

import json
from collections.abc import AsyncIterator, Callable

import anyio
from fastapi import Response
from starlette.types import Receive, Scope, Send

from jobs.events import Event, position
from service.events.feeds import Listener

HEARTBEAT_S = 15.0
SEND_PATIENCE_S = 30.0
_RETRY = b"retry: 2000\n\n"
_HEARTBEAT = b": still here\n\n"


class EventStream(Response):
    """Sends the opening, then what the listener gets, until a final state, or until somebody goes.

    `leave` is called however it ends. A client that takes nothing for SEND_PATIENCE_S is given up.
    """

    media_type = "text/event-stream"

    def __init__(
        self, job_url: str, opening: list[Event], listener: Listener, leave: Callable[[], None]
    ) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._job_url = job_url
        self._opening = opening
        self._listener = listener
        self._leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_until_gone, receive, tasks.cancel_scope)
                await self._send(send)
                tasks.cancel_scope.cancel()
        finally:
            self._leave()

    async def _send(self, send: Send) -> None:
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        async for piece in self._pieces():
            with anyio.move_on_after(SEND_PATIENCE_S) as patience:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            if patience.cancelled_caught:
                return
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _pieces(self) -> AsyncIterator[bytes]:
        yield _RETRY
        told = (0, 0)
        for event in self._opening:
            yield encoded(event, self._job_url)
            told = position(event.id) if event.id else told
            if event.final:
                return
        async for news in self._listener.events(HEARTBEAT_S):
            if news is None:
                yield _HEARTBEAT
            elif position(news.id) > told:
                yield encoded(news, self._job_url)
                if news.final:
                    return


def encoded(event: Event, job_url: str) -> bytes:
    """The event as it goes over the wire."""
    data = {"url": f"{job_url}/preview", **event.data} if event.kind == "preview" else event.data
    number = f"id: {event.id}\n" if event.id else ""
    return (
        f"event: {event.kind}\n{number}data: {json.dumps(data, separators=(',', ':'))}\n\n".encode()
    )


async def _until_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
