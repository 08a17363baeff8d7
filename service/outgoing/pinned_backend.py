"""Connects to the addresses of a host that were checked, and to no other.

A name is resolved once for each connection. All answers must be allowed, and the connection goes to
the very address that was checked, so that a name that resolves differently a moment later gains
nothing. TLS still proves the host name, which the connection pool passes to it.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from httpcore2 import (
    SOCKET_OPTION,
    AnyIOBackend,
    AsyncNetworkBackend,
    AsyncNetworkStream,
    ConnectError,
    ConnectTimeout,
)

from service.outgoing.address_rules import is_loopback, is_public

Resolve = Callable[[str, int], Awaitable[list[str]]]

_RESOLVE_TIMEOUT_S = 5.0
_MAX_ADDRESSES = 4
# getaddrinfo has no timeout, and a thread that was given up still waits for its answer: with three
# name servers that are asked twice, 30 s by default. So one place of a sender, which starts a
# lookup every five seconds at most, keeps six threads busy with names of servers that do not
# answer. There are as many for each of 64 places, so that no other name waits for one.
_RESOLVERS = ThreadPoolExecutor(max_workers=64 * 6, thread_name_prefix="resolve")


async def resolve(host: str, port: int) -> list[str]:
    """Return all addresses of a host. Raises OSError, UnicodeError or TimeoutError."""
    loop = asyncio.get_running_loop()
    found = await asyncio.wait_for(
        loop.run_in_executor(_RESOLVERS, _addresses, host, port), _RESOLVE_TIMEOUT_S
    )
    return list(dict.fromkeys(found))


class PinnedBackend(AsyncNetworkBackend):
    """Opens connections for one request, whose host is this machine if `loopback` is true.

    `resolve` returns the addresses of a host and port.
    """

    def __init__(self, *, loopback: bool, resolve: Resolve = resolve) -> None:
        self._is_allowed = is_loopback if loopback else is_public
        self._resolve = resolve
        self._inner = AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """Connect to the first checked address that answers. Raises ConnectError."""
        for address in await self._checked(host.strip("[]"), port):
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (ConnectError, ConnectTimeout):
                continue
        raise ConnectError("no address of the host answers")

    async def sleep(self, seconds: float) -> None:
        """Wait between two tries of the connection pool."""
        await self._inner.sleep(seconds)

    async def _checked(self, host: str, port: int) -> list[str]:
        """Return the first addresses of a host, if all of its addresses are allowed."""
        try:
            found = await self._resolve(host, port)
        except (OSError, UnicodeError, TimeoutError):
            raise ConnectError("the host was not found") from None
        if not all(self._is_allowed(address) for address in found):
            raise ConnectError("the host has an address that is not allowed")
        return found[:_MAX_ADDRESSES]


def _addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(socket_address[0]) for *_, socket_address in found]
