"""A proxy in front of a real server. It loses answers, cuts streams and refuses, as it is told."""

import http.client
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    headers: dict[str, str]


# What happens to a request: it passes, its answer is lost, its stream is cut after the first event
# with an id, or it is refused with this status and these headers.
Fault = None | str | tuple[int, dict[str, str]]


class FaultyProxy:
    def __init__(self, target: str, fault: Callable[[Seen, int], Fault] | None = None) -> None:
        self.target = urlsplit(target)
        # Called with a request, and how often the same one was seen before.
        self.fault = fault or (lambda _seen, _before: None)
        self.seen: list[Seen] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one(self) -> None:
                proxy.handle(self)

            do_GET = do_POST = do_DELETE = handle_one  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "FaultyProxy":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def lines(self, method: str, word: str = "") -> list[str]:
        """Return the paths that were asked for with a method, those with this word in it."""
        return [each.path for each in self.seen if each.method == method and word in each.path]

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        headers = {name.lower(): value for name, value in handler.headers.items()}
        body = handler.rfile.read(int(headers.get("content-length", 0)))
        seen = Seen(handler.command, handler.path, headers)
        same = (seen.method, seen.path)
        before = [(each.method, each.path) for each in self.seen].count(same)
        self.seen.append(seen)
        fault = self.fault(seen, before)
        if isinstance(fault, tuple):
            self._refuse(handler, *fault)
            return
        connection = http.client.HTTPConnection(self.target.netloc, timeout=90)
        connection.request(seen.method, seen.path, body, headers | {"host": self.target.netloc})
        answer = connection.getresponse()
        if fault != "lose":
            self._pass_on(handler, answer, cut=fault == "cut")
        handler.close_connection = True
        connection.close()

    def _refuse(
        self, handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str]
    ) -> None:
        handler.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            handler.send_header(name, value)
        handler.end_headers()

    def _pass_on(
        self, handler: BaseHTTPRequestHandler, answer: http.client.HTTPResponse, cut: bool
    ) -> None:
        handler.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection"):
                handler.send_header(name, value)
        handler.send_header("Connection", "close")
        handler.end_headers()
        with_id = False
        try:
            while line := answer.readline():
                handler.wfile.write(line)
                with_id = with_id or line.startswith(b"id:")
                if cut and with_id and line == b"\n":
                    return
        except OSError:  # the client has gone
            return
