"""One HTTP request to an address of a client's choice: bounded in time and in bytes.

There are no redirects, cookies, proxies of the environment, compression or kept connections here.
"""

import asyncio
import ssl
from collections.abc import AsyncIterable, Iterable, Mapping
from dataclasses import dataclass

from httpcore2 import (
    URL,
    AsyncConnectionPool,
    NetworkError,
    ProtocolError,
    TimeoutException,
    default_ssl_context,
)

from jobs.version import VERSION
from service.outgoing.pinned_backend import PinnedBackend, Resolve, resolve
from service.outgoing.url_rules import CheckedUrl

_CONNECT_S, _READ_S = 5.0, 10.0
_TIMEOUTS = {"connect": _CONNECT_S, "read": _READ_S, "write": _READ_S, "pool": _CONNECT_S}
_FAILURES = (NetworkError, ProtocolError, TimeoutException, TimeoutError, OSError)


class NoAnswer(Exception):
    """There was no answer in time.

    It does not say why: whoever chose the address must not learn what the network here looks like.
    """


@dataclass(frozen=True)
class Answer:
    """An answer with the start of its body. `complete` says whether `body` is all of it.

    The names of headers are in lower case.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    complete: bool


class Transport:
    """Sends requests for the tasks of one event loop, `at_once` at a time. Others wait.

    `context` is what TLS trusts, by default what the system does. `resolve` returns the addresses
    of a host and port.
    """

    def __init__(
        self, at_once: int, context: ssl.SSLContext | None = None, resolve: Resolve = resolve
    ) -> None:
        self._turn = asyncio.Semaphore(at_once)
        self._context = context or default_ssl_context()
        self._resolve = resolve

    async def send(
        self,
        method: str,
        url: CheckedUrl,
        headers: Mapping[str, str],
        content: bytes = b"",
        *,
        limit: int,
        timeout_s: float,
    ) -> Answer:
        """Send a request and return the answer with at most `limit` bytes of its body.

        Raises NoAnswer if the headers do not arrive within `timeout_s` seconds. A body that takes
        longer is incomplete.
        """
        status, found, body, complete = 0, dict[str, str](), bytearray(), False
        extensions = {"timeout": _TIMEOUTS}
        try:
            async with (
                self._turn,
                asyncio.timeout(timeout_s),
                self._pool(url) as pool,
                pool.stream(
                    method,
                    _address(url),
                    headers=_headers(url, headers),
                    content=content,
                    extensions=extensions,
                ) as response,
            ):
                status, found = response.status, _readable(response.headers)
                complete = await _fill(body, response.aiter_stream(), limit)
        except _FAILURES:
            if not status:
                raise NoAnswer from None
        return Answer(status, found, bytes(body), complete)

    def _pool(self, url: CheckedUrl) -> AsyncConnectionPool:
        backend = PinnedBackend(loopback=url.loopback, resolve=self._resolve)
        return AsyncConnectionPool(self._context, network_backend=backend)


def _address(url: CheckedUrl) -> URL:
    """Return an address for the connection pool without having it parsed again."""
    return URL(
        scheme=url.scheme.encode(),
        host=url.host.encode(),
        port=url.port,
        target=url.target.encode(),
    )


def _headers(url: CheckedUrl, headers: Mapping[str, str]) -> list[tuple[str, str]]:
    own = {
        "Host": url.netloc,
        "User-Agent": f"retinoscope/{VERSION}",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    return list((own | dict(headers)).items())


def _readable(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}


async def _fill(body: bytearray, chunks: AsyncIterable[bytes], limit: int) -> bool:
    """Read up to `limit` bytes. Return whether these are all."""
    async for chunk in chunks:
        body += chunk[: limit - len(body)]
        if len(body) == limit:
            return False
    return True
