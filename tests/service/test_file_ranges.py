"""Ranges of a file (RFC 9110, section 14)."""

import httpx
import pytest

from tests.service.asking import refused


@pytest.fixture
def url(explained: dict) -> str:
    return explained["result"]["artifacts"][0]["url"]


@pytest.fixture
def whole(client: httpx.Client, url: str) -> bytes:
    return client.get(url).content


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-99", 0, 100),
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=500-", 500, None),
        ("bytes=-100", -100, None),
        ("bytes=0-", 0, None),
        ("bytes=100-99999999999", 100, None),
        ("bytes=-99999999999", 0, None),
    ],
)
def test_one_range(
    client: httpx.Client, url: str, whole: bytes, asked: str, start: int, end: int | None
) -> None:
    expected = whole[start:end]
    first = whole.index(expected) if start == 0 else start % len(whole)
    answer = client.get(url, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, expected)
    assert answer.headers["content-length"] == str(len(expected))
    assert (
        answer.headers["content-range"] == f"bytes {first}-{first + len(expected) - 1}/{len(whole)}"
    )


def test_the_last_byte(client: httpx.Client, url: str, whole: bytes) -> None:
    last = len(whole) - 1
    for asked in (f"bytes={last}-", f"bytes={last}-{last}", "bytes=-1"):
        answer = client.get(url, headers={"Range": asked})
        assert (answer.status_code, answer.content) == (206, whole[-1:])


@pytest.mark.parametrize(
    "asked", ["bytes={size}-", "bytes={size}-{size}", "bytes=99999999999-", "bytes=-0"]
)
def test_a_range_outside_the_file(client: httpx.Client, url: str, whole: bytes, asked: str) -> None:
    answer = client.get(url, headers={"Range": asked.format(size=len(whole))})
    refused(answer, 416, "range_not_satisfiable", str(len(whole)))


def test_a_range_outside_the_file_is_answered_with_the_size(
    client: httpx.Client, url: str, whole: bytes
) -> None:
    answer = client.get(url, headers={"Range": f"bytes={len(whole)}-"})
    assert answer.headers.get("content-range") == f"bytes */{len(whole)}"


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=0-1,4-5",
        "bytes=0-1, -5",
        "bytes=9-5",
        "bytes=a-b",
        "bytes=-",
        "bytes",
        "items=0-5",
        "",
    ],
)
def test_what_is_not_one_range_gets_the_whole(
    client: httpx.Client, url: str, whole: bytes, asked: str
) -> None:
    answer = client.get(url, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, whole)
    assert "content-range" not in answer.headers


def test_a_range_of_a_file_that_may_have_changed(
    client: httpx.Client, url: str, whole: bytes
) -> None:
    etag = client.head(url).headers["etag"]
    same = client.get(url, headers={"Range": "bytes=0-9", "If-Range": etag})
    assert (same.status_code, same.content) == (206, whole[:10])
    other = client.get(url, headers={"Range": "bytes=0-9", "If-Range": '"other"'})
    assert (other.status_code, other.content) == (200, whole)


def test_head_of_a_range(client: httpx.Client, url: str) -> None:
    answer = client.head(url, headers={"Range": "bytes=10-19"})
    assert (answer.status_code, answer.headers["content-length"], answer.content) == (
        206,
        "10",
        b"",
    )


def test_a_download_that_broke_off_is_continued(
    client: httpx.Client, url: str, whole: bytes
) -> None:
    starts = range(0, len(whole), 10_000)
    parts = [
        client.get(url, headers={"Range": f"bytes={start}-{start + 9999}"}).content
        for start in starts
    ]
    assert b"".join(parts) == whole
