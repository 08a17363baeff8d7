"""Servers on loopback that answer with bytes as they are given, with or without TLS."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Talk = Callable[[socket.socket], None]


@contextmanager
def talking(talk: Talk, context: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[bytes]]]:
    """Let `talk` answer each request. Yield the port, and the requests as they arrive."""
    requests: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                with suppress(OSError):
                    _serve_one(server, talk, context, requests)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1], requests
        finally:
            over.set()
            thread.join()


def saying(answer: bytes) -> Talk:
    return lambda connection: connection.sendall(answer)


def _serve_one(
    server: socket.socket, talk: Talk, context: ssl.SSLContext | None, requests: list[bytes]
) -> None:
    plain, _ = server.accept()
    plain.settimeout(5)
    with context.wrap_socket(plain, server_side=True) if context else plain as connection:
        request = b""
        while b"\r\n\r\n" not in request:
            request += connection.recv(65536)
        requests.append(request)
        talk(connection)
