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
    """A response that sends the opening events, then those that the listener receives.

    It ends with a final state, when the client disconnects, or when the client has not read for
    SEND_PATIENCE_S. `leave` is called however it ends.
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
                tasks.start_soon(_cancel_on_disconnect, receive, tasks.cancel_scope)
                await self._send(send)
                tasks.cancel_scope.cancel()
        finally:
            self._leave()

    async def _send(self, send: Send) -> None:
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        async for chunk in self._chunks():
            with anyio.move_on_after(SEND_PATIENCE_S) as patience:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            if patience.cancelled_caught:
                return
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _chunks(self) -> AsyncIterator[bytes]:
        yield _RETRY
        sent = (0, 0)
        for event in self._opening:
            yield encode(event, self._job_url)
            sent = position(event.id) if event.id else sent
            if event.final:
                return
        async for next_event in self._listener.events(HEARTBEAT_S):
            if next_event is None:
                yield _HEARTBEAT
            elif position(next_event.id) > sent:
                yield encode(next_event, self._job_url)
                if next_event.final:
                    return


def encode(event: Event, job_url: str) -> bytes:
    """Return the event in the format of server-sent events."""
    data = {"url": f"{job_url}/preview", **event.data} if event.kind == "preview" else event.data
    text = json.dumps(data, separators=(",", ":"))
    id_line = f"id: {event.id}\n" if event.id else ""
    return f"event: {event.kind}\n{id_line}data: {text}\n\n".encode()


async def _cancel_on_disconnect(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
