"""Gives each request an id, logs one line when it has been answered, and answers what fails.

The line names the template of the path, not the path: ids that belong to the request are fields,
and what else a client puts into an address stays out of the log.
"""

import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jobs import log_context
from jobs.tracing import trace_fields
from service.middleware.head_requests import HEAD

log = logging.getLogger(__name__)

HEADER = "X-Request-ID"
# What proxies and libraries send: UUIDs, hex, AWS's `Root=1-67891233-abcdef012345678912345678`.
_ACCEPTED = re.compile(r"[A-Za-z0-9._:=;+/-]{1,128}", re.ASCII)
# The status of a request whose client went before it was answered, as nginx logs it.
_CLIENT_GONE = 499

Answer = Callable[[Request, Exception], Awaitable[Response]]
# Takes method, template of the path, status, and the code of an error or ''.
Count = Callable[[str, str, int, str], None]


class RequestLog:
    """ASGI middleware that logs and counts requests.

    `answer` makes the response to an exception that no handler has caught. The id of a request is
    that of its header X-Request-ID, if it has the form of one. The response and every line that is
    logged meanwhile name it.
    """

    def __init__(self, app: ASGIApp, answer: Answer, count: Count) -> None:
        self._app = app
        self._answer = answer
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _accepted_id(scope) or secrets.token_hex(16)
        log_context.start(request_id=request_id, **trace_fields())
        began = time.monotonic()
        status = _CLIENT_GONE

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except ClientDisconnect:
            status = _CLIENT_GONE
        except Exception as error:
            if status != _CLIENT_GONE:
                # The response has begun. The server ends the connection, and logs the error.
                raise
            response = await self._answer(Request(scope), error)
            await response(scope, receive, send_with_id)
        finally:
            self._end(scope, status, time.monotonic() - began)

    def _end(self, scope: Scope, status: int, seconds: float) -> None:
        method = "HEAD" if scope.get(HEAD) else scope["method"]
        path, ms = path_template(scope), round(seconds * 1000, 1)
        self._count(method, path, status, log_context.fields().get("code", ""))
        named = {"method": method, "path": path, "status": status, "ms": ms}
        message = "%s %s %d in %.1f ms"
        log.info(message, method, path, status, ms, extra=log_context.extra(**named))


def _accepted_id(scope: Scope) -> str | None:
    sent = Headers(scope=scope).get(HEADER, "")
    return sent if _ACCEPTED.fullmatch(sent) else None


def path_template(scope: Scope) -> str:
    """Return the path of the route that answered, such as `/v1/jobs/{job_id}`, or `other`."""
    return str(getattr(scope.get("route"), "path", "other"))
