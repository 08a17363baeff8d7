"""An image that is sent as an address is fetched if the operator allows it."""

from collections.abc import Iterator
from hashlib import sha256

import httpx
import pytest

from jobs.settings import Settings
from service import image_addresses
from service.outgoing.url_rules import UrlRules
from tests.service.asking import newest_job, refused
from tests.service.conftest import Serve
from tests.service.outgoing.servers import saying, talking

JOB, IMAGES = "/v1/jobs/predict", "/v1/images"


def file(data: bytes, kind: str = "image/png") -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


@pytest.fixture
def strict(serve: Serve, settings: Settings) -> httpx.Client:
    """Return a client of an API that fetches images."""
    return serve(settings.model_copy(update={"fetch_images": True}))


@pytest.fixture
def fetching(strict: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """Return a client of an API that fetches images from this machine, too."""
    monkeypatch.setattr(image_addresses, "fetch_rules", lambda _: UrlRules(loopback=True))
    yield strict


def test_a_form_and_json_may_name_an_address(fetching: httpx.Client, small: bytes) -> None:
    with talking(saying(file(small, "text/html"))) as (port, requests):
        url = f"http://127.0.0.1:{port}/cat.png"
        form = fetching.post(JOB, data={"image": url, "cache": "false"})
        json = fetching.post(JOB, json={"image": url, "cache": False})
        stored = fetching.post(IMAGES, json={"image": url})
    digest = f"sha256:{sha256(small).hexdigest()}"
    for answer in (form, json):
        assert answer.status_code == 202, answer.text
        assert answer.json()["inputs"]["image"]["id"] == digest
    assert (stored.status_code, stored.json()["id"]) == (201, digest)
    assert len(requests) == 3
    assert fetching.get(f"{IMAGES}/{digest}/content").content == small


def test_a_retry_is_the_same_request_although_the_picture_has_changed(
    fetching: httpx.Client, small: bytes
) -> None:
    headers = {"Idempotency-Key": "a"}
    with talking(saying(file(small))) as (port, requests):
        url = f"http://127.0.0.1:{port}/cat.png"
        first = fetching.post(JOB, json={"image": url}, headers=headers)
        again = fetching.post(JOB, json={"image": url}, headers=headers)
        assert again.json()["id"] == first.json()["id"] and len(requests) == 1
        assert again.headers["idempotency-replayed"] == "true"
        other = fetching.post(JOB, json={"image": f"{url}?v=2"}, headers=headers)
        refused(other, 422, "idempotency_key_reused")


@pytest.mark.parametrize("data", [b"<html>", b"", b"\x89PNG\r\n\x1a\n"])
def test_what_is_fetched_is_checked_like_a_file(fetching: httpx.Client, data: bytes) -> None:
    with talking(saying(file(data))) as (port, _):
        answer = fetching.post(JOB, json={"image": f"http://127.0.0.1:{port}/"})
    assert answer.status_code == 422
    assert answer.json()["code"] in ("not_an_image", "broken_image", "image_missing")


def test_every_failure_of_the_network_reads_the_same(
    fetching: httpx.Client, serve: Serve, settings: Settings
) -> None:
    seen = set()
    answers = [
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\nsecret",
        b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n",
        f"HTTP/1.1 200 OK\r\nContent-Length: {settings.max_body_bytes + 1}\r\n\r\n".encode(),
        b"SSH-2.0-OpenSSH\r\n",
        b"",
    ]
    for answer in answers:
        with talking(saying(answer)) as (port, _):
            problem = fetching.post(JOB, json={"image": f"http://127.0.0.1:{port}/"})
        seen.add(problem.text)
    closed = fetching.post(JOB, json={"image": f"http://127.0.0.1:{port}/"})
    seen.add(closed.text)
    seen.add(fetching.post(JOB, json={"image": "https://nothing.invalid/"}).text)
    assert len(seen) == 1
    problem = refused(closed, 422, "image_url_failed", "send the file")
    assert problem["errors"][0]["pointer"] == "/image"
    assert str(port) not in closed.text and "127.0.0.1" not in closed.text
    assert newest_job(fetching) is None


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://example.com/a.png", "https://"),
        ("https://127.0.0.1/a.png", "itself"),
        ("https://localhost/", "itself"),
        ("https://169.254.169.254/", "number"),
        ("https://[::ffff:a9fe:a9fe]/", "number"),
        ("https://example.com:6379/", "port 443"),
        ("https://user:secret@example.com/", "user name"),
        ("https://redis/", "full name"),
        ("HTTPS:example.com", "full name"),
        ("https://example.com/" + "a" * 2048, "2,048"),
    ],
)
def test_an_address_that_is_refused_says_why(strict: httpx.Client, url: str, words: str) -> None:
    for address in (JOB, IMAGES):
        answers = [strict.post(address, json={"image": url})]
        if len(url) < 200:
            answers.append(strict.post(address, data={"image": url}))
        for answer in answers:
            problem = refused(answer, 422, "image_url_refused", words)
            assert problem["errors"][0]["pointer"] == "/image"
    assert newest_job(strict) is None


def test_no_array_is_fetched(strict: httpx.Client) -> None:
    answer = strict.post("/v1/jobs/inversion", json={"embedding": "https://example.com/a.npy"})
    refused(answer, 422, "image_url_not_allowed", "arrays", "embedding=@")


def test_a_list_of_hosts_allows_no_other(serve: Serve, settings: Settings) -> None:
    limited = {"fetch_images": True, "fetch_hosts": ["images.example.com"]}
    client = serve(settings.model_copy(update=limited))
    answer = client.post(JOB, json={"image": "https://example.com/a.png"})
    refused(answer, 422, "image_url_refused", "does not allow")


def test_without_the_setting_nothing_is_fetched(own: httpx.Client) -> None:
    for address in (JOB, IMAGES):
        for url in ("https://example.org/cat.png", "HTTP://169.254.169.254/", "https:"):
            for answer in (
                own.post(address, json={"image": url}),
                own.post(address, data={"image": url}),
            ):
                refused(answer, 422, "image_url_not_allowed", "/v1/images")
