"""A receiver of webhooks on loopback that answers as it is told and remembers what it got."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks.webhooks import Webhook

from retinoscope.redis_server import free_port

Answer = tuple[int, dict[str, str]]


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> dict:
        """Return the content, whose signature the library has verified with that secret."""
        content: dict = Webhook(secret).verify(self.body, self.headers)
        return content


@dataclass
class Receiver:
    """`answers` are given in turn, and then 204. While `open` is not set, none is given."""

    port: int
    answers: list[Answer] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    open: threading.Event = field(default_factory=threading.Event)
    now: int = 0
    most: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?from=retinoscope"


@contextmanager
def receiving(*answers: Answer | int, port: int = 0) -> Iterator[Receiver]:
    """Run a receiver until the end of the block."""
    given = [answer if isinstance(answer, tuple) else (answer, {}) for answer in answers]
    receiver = Receiver(port or free_port(), given)
    receiver.open.set()
    server = ThreadingHTTPServer(("127.0.0.1", receiver.port), _handler(receiver))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield receiver
    finally:
        receiver.open.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:
                # The sender was killed between two writes.
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            with lock:
                receiver.now += 1
                receiver.most = max(receiver.most, receiver.now)
                receiver.received.append(Received(self.path, headers, body))
                status, extra = receiver.answers.pop(0) if receiver.answers else (204, {})
            receiver.open.wait(20)
            with lock:
                receiver.now -= 1
            try:
                self.send_response(status)
                for name, value in extra.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()
            except OSError:
                # The sender was killed.
                pass

        def log_message(self, *_: object) -> None:
            """Write nothing to the tests' output."""

    return Handler
