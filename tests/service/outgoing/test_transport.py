"""A request goes to an address that was checked, proves the host's name, and ends in time."""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Awaitable, Callable

import pytest
import trustme

from service.outgoing import pinned_backend
from service.outgoing.pinned_backend import PinnedBackend, resolve
from service.outgoing.transport import Answer, NoAnswer, Transport
from service.outgoing.url_rules import CheckedUrl
from tests.service.outgoing.servers import saying, talking

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello"
AUTHORITY = trustme.CA()


def answers(*addresses: str) -> Callable[[str, int], Awaitable[list[str]]]:
    """Resolve every name to these addresses, as a name server of somebody else may."""

    async def resolved(host: str, port: int) -> list[str]:
        return list(addresses)

    return resolved


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


def certified(*names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(*names).configure_cert(context)
    return context


def get(
    url: CheckedUrl, transport: Transport | None = None, limit: int = 100, timeout_s: float = 5
) -> Answer:
    async def send() -> Answer:
        sender = transport or Transport(1)
        return await sender.send("GET", url, {}, limit=limit, timeout_s=timeout_s)

    return asyncio.run(send())


def local(port: int, scheme: str = "http", host: str = "127.0.0.1") -> CheckedUrl:
    return CheckedUrl(scheme, host, port, "/a?b", loopback=True)


def test_an_answer_is_read_with_its_headers() -> None:
    with talking(saying(OK)) as (port, requests):
        assert get(local(port)) == Answer(200, {"content-length": "5", "x-a": "b"}, b"hello", True)
        assert requests[0].startswith(b"GET /a?b HTTP/1.1\r\n")
        assert f"Host: 127.0.0.1:{port}\r\n".encode() in requests[0]
        assert b"Accept-Encoding: identity\r\n" in requests[0]
        assert b"ookie" not in requests[0]


def test_a_longer_body_is_cut_and_said_to_be() -> None:
    with talking(saying(OK)) as (port, _):
        answer = get(local(port), limit=3)
    assert (answer.body, answer.complete) == (b"hel", False)


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n"
    with talking(saying(OK)) as (other, others), talking(saying(head % other)) as (port, _):
        assert get(local(port)).status == 302
        assert others == []


def test_the_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with talking(saying(OK)) as (proxy, asked), talking(saying(OK)) as (port, _):
        for name in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy}")
        assert get(local(port)).status == 200
        assert asked == []


def drip(connection: socket.socket) -> None:
    """Send a header a byte at a time, without end."""
    for _ in range(100):
        connection.sendall(b"H")
        time.sleep(0.05)


def drip_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    drip(connection)


def test_a_slow_answer_is_given_up() -> None:
    with talking(drip) as (port, _), pytest.raises(NoAnswer):
        get(local(port), timeout_s=0.3)


def test_a_slow_body_is_given_up_and_said_to_be_incomplete() -> None:
    with talking(drip_body) as (port, _):
        answer = get(local(port), timeout_s=0.3, limit=1000)
    assert answer.status == 200 and not answer.complete and len(answer.body) < 100


def test_a_body_that_breaks_off_is_incomplete() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"
    with talking(saying(head)) as (port, _):
        assert not get(local(port)).complete


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_what_is_no_http_is_no_answer(answer: bytes) -> None:
    with talking(saying(answer)) as (port, _), pytest.raises(NoAnswer) as raised:
        get(local(port))
    assert str(raised.value) == ""


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["93.184.216.34", "127.0.0.1"],
        ["127.0.0.1", "93.184.216.34"],
        ["169.254.169.254"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        [],
    ],
)
def test_a_host_with_one_address_that_is_not_public_is_not_connected_to(
    addresses: list[str],
) -> None:
    with talking(saying(OK)) as (port, requests), pytest.raises(NoAnswer):
        get(CheckedUrl("http", "example.com", port, "/"), Transport(1, resolve=answers(*addresses)))
    assert requests == []


def test_localhost_that_is_another_machine_is_not_connected_to() -> None:
    with pytest.raises(NoAnswer):
        get(local(80, host="localhost"), Transport(1, resolve=answers("127.0.0.1", "8.8.8.8")))


def test_a_name_is_resolved_once_and_connected_to_as_it_was_checked() -> None:
    asked = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    with talking(saying(OK)) as (port, _):
        assert get(local(port, host="localhost"), Transport(1, resolve=rebinding)).status == 200
    assert asked == ["localhost"]


def test_tls_proves_the_name_although_the_address_is_pinned() -> None:
    transport = Transport(1, trusting(), answers("127.0.0.1"))
    with talking(saying(OK), certified("hooks.example")) as (port, requests):
        assert get(local(port, "https", "hooks.example"), transport).status == 200
        assert f"Host: hooks.example:{port}\r\n".encode() in requests[0]


@pytest.mark.parametrize("names", [("other.example",), ("127.0.0.1",)])
def test_a_certificate_of_another_name_is_no_answer(names: tuple[str, ...]) -> None:
    transport = Transport(1, trusting(), answers("127.0.0.1"))
    with talking(saying(OK), certified(*names)) as (port, requests), pytest.raises(NoAnswer):
        get(local(port, "https", "hooks.example"), transport)
    assert requests == []


def test_a_certificate_of_an_unknown_authority_is_no_answer() -> None:
    with (
        talking(saying(OK), certified("hooks.example")) as (port, requests),
        pytest.raises(NoAnswer),
    ):
        get(local(port, "https", "hooks.example"), Transport(1, resolve=answers("127.0.0.1")))
    assert requests == []


def test_the_second_address_is_tried_when_the_first_does_not_answer() -> None:
    transport = Transport(1, resolve=answers("127.0.0.9", "127.0.0.1"))
    with talking(saying(OK)) as (port, _):
        assert get(local(port), transport).status == 200


def test_names_are_resolved_by_the_system_and_failures_are_no_answer() -> None:
    assert "127.0.0.1" in asyncio.run(resolve("127.0.0.1", 80))
    with pytest.raises(NoAnswer):
        get(CheckedUrl("http", f"{'a' * 64}.invalid", 80, "/"))
    with pytest.raises(NoAnswer):
        get(CheckedUrl("http", "nothing.invalid", 80, "/"))


def test_a_backend_asks_for_all_addresses_before_it_connects() -> None:
    backend = PinnedBackend(loopback=False, resolve=answers(*["1.1.1.1"] * 4, "10.0.0.1"))
    with pytest.raises(Exception, match="not allowed"):
        asyncio.run(backend.connect_tcp("example.com", 80, timeout=1))


def test_names_that_nobody_answers_for_hold_up_no_other_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One owner's 32 places, each with six lookups that were given up and still wait."""
    answered = threading.Event()

    def found(host: str, port: int) -> list[str]:
        if host.startswith("silent"):
            answered.wait(20)
        return ["192.0.2.1"]

    monkeypatch.setattr(pinned_backend, "_addresses", found)
    monkeypatch.setattr(pinned_backend, "_RESOLVE_TIMEOUT_S", 1.0)

    async def scene() -> None:
        silent = [resolve(f"silent{number}.example", 443) for number in range(32 * 6)]
        assert all(
            isinstance(one, TimeoutError)
            for one in await asyncio.gather(*silent, return_exceptions=True)
        )
        monkeypatch.setattr(pinned_backend, "_RESOLVE_TIMEOUT_S", 10.0)
        assert await resolve("quick.example", 443) == ["192.0.2.1"]

    try:
        asyncio.run(scene())
    finally:
        answered.set()
