"""A file is fetched over redirects that are each checked, whole, and not for long."""

import asyncio
import time

import pytest

from service.outgoing.fetching import MAX_REDIRECTS, fetch
from service.outgoing.transport import NoAnswer, Transport
from service.outgoing.url_rules import UrlRules, check_url
from tests.service.outgoing.servers import saying, talking
from tests.service.outgoing.test_transport import answers, certified, drip, drip_body, trusting

LOOPBACK = UrlRules(loopback=True)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def redirect(location: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} X\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


def get(
    address: str,
    limit: int = 100,
    timeout_s: float = 5,
    transport: Transport | None = None,
    rules: UrlRules = LOOPBACK,
) -> bytes:
    async def run() -> bytes:
        url = check_url(address, rules)
        return await fetch(transport or Transport(2), url, rules, limit, timeout_s)

    return asyncio.run(run())


def test_the_bytes_are_those_of_the_file() -> None:
    with talking(saying(OK)) as (port, requests):
        assert get(f"http://127.0.0.1:{port}/a.png") == b"hello"
        assert requests[0].startswith(b"GET /a.png ")
        assert get(f"http://127.0.0.1:{port}/", limit=5) == b"hello"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_to_another_host_and_relative(status: int) -> None:
    with talking(saying(OK)) as (there, requests):
        target = f"http://localhost:{there}/b.png?c#d"
        with talking(saying(redirect(target, status))) as (port, _):
            assert get(f"http://127.0.0.1:{port}/") == b"hello"
        assert requests[0].startswith(b"GET /b.png?c HTTP")


@pytest.mark.parametrize(
    "location",
    [
        "https://169.254.169.254/latest/meta-data",
        "http://169.254.169.254/",
        "http://example.com/",
        "https://intranet/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_SET",
        "https://user@example.com/",
        "https://[fe80::1]/",
        "",
        "http://[",
    ],
)
def test_a_redirect_to_what_is_refused_fails(location: str) -> None:
    with talking(saying(redirect(location))) as (port, _), pytest.raises(NoAnswer):
        get(f"http://127.0.0.1:{port}/")


def test_a_redirect_to_a_name_of_a_private_address_fails() -> None:
    transport = Transport(2, resolve=_hosts)
    with talking(saying(OK)) as (there, requests):
        with talking(saying(redirect("https://rebound.example/"))) as (port, asked):
            with pytest.raises(NoAnswer):
                get(f"http://127.0.0.1:{port}/", transport=transport)
            assert len(asked) == 1
        assert requests == [] and there


async def _hosts(host: str, port: int) -> list[str]:
    return [host] if host[0].isdigit() else ["127.0.0.1"]


def test_a_loop_of_redirects_ends() -> None:
    with talking(saying(redirect("/"))) as (port, requests), pytest.raises(NoAnswer):
        get(f"http://127.0.0.1:{port}/")
    assert len(requests) == MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n" + b"a" * 101,
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n" + b"a" * 200,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n"
        + b"a" * 101
        + b"\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 101,
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
        b"hello",
    ],
)
def test_any_other_answer_fails_in_the_same_way(answer: bytes) -> None:
    with talking(saying(answer)) as (port, _), pytest.raises(NoAnswer) as raised:
        get(f"http://127.0.0.1:{port}/")
    assert raised.value.args == () and raised.value.__cause__ is None


@pytest.mark.parametrize("talk", [drip, drip_body])
def test_a_slow_answer_fails(talk: object) -> None:
    with talking(talk) as (port, _), pytest.raises(NoAnswer):  # type: ignore[arg-type]
        get(f"http://127.0.0.1:{port}/", limit=10_000, timeout_s=0.3)


def test_the_time_is_that_of_all_redirects_together() -> None:
    def slowly(connection: object) -> None:
        time.sleep(0.4)
        connection.sendall(redirect("/"))  # type: ignore[attr-defined]

    with talking(slowly) as (port, requests), pytest.raises(NoAnswer):
        get(f"http://127.0.0.1:{port}/", timeout_s=0.6)
    assert len(requests) == 2


def test_waiting_for_a_turn_is_in_the_time() -> None:
    async def both(address: str) -> list[bytes | BaseException]:
        transport = Transport(1)
        url = check_url(address, LOOPBACK)
        calls = [fetch(transport, url, LOOPBACK, 10_000, 0.5) for _ in range(3)]
        return await asyncio.gather(*calls, return_exceptions=True)

    with talking(drip_body) as (port, _):
        found = asyncio.run(both(f"http://127.0.0.1:{port}/"))
    assert [type(each) for each in found] == [NoAnswer] * 3


def test_only_https_is_fetched_and_its_certificate_must_name_the_host() -> None:
    transport = Transport(1, trusting(), answers("127.0.0.1"))
    for names, works in ((("localhost",), True), (("example.com",), False)):
        with talking(saying(OK), certified(*names)) as (port, _):
            address = f"https://localhost:{port}/"
            if works:
                assert get(address, transport=transport) == b"hello"
            else:
                with pytest.raises(NoAnswer):
                    get(address, transport=transport)
