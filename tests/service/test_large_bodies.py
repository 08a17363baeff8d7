"""A body over the limit is refused while it arrives, with or without a Content-Length."""

from collections.abc import Callable, Iterator
from http.client import HTTPConnection

import httpx
import pytest

from jobs.settings import MEGABYTE
from tests.service.asking import refused

pytestmark = pytest.mark.usefixtures("nothing_queued")

LIMIT = "33,554,432"
FORM = "multipart/form-data; boundary=frontier"
Body = Callable[[int], Iterator[bytes]]


def stream(megabytes: int) -> Iterator[bytes]:
    """Yield bytes without a Content-Length."""
    for _ in range(megabytes):
        yield b"\xff" * MEGABYTE


def form(megabytes: int) -> Iterator[bytes]:
    yield b'--frontier\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
    yield from stream(megabytes)
    yield b"\r\n--frontier--\r\n"


def announce(client: httpx.Client, length: int) -> HTTPConnection:
    """Send a request whose body is announced but not sent."""
    line = HTTPConnection(client.base_url.host, client.base_url.port, timeout=30)
    line.putrequest("POST", "/v1/jobs/predict")
    line.putheader("Content-Type", FORM)
    line.putheader("Content-Length", str(length))
    line.endheaders()
    return line


def test_sixty_megabytes_announced(client: httpx.Client) -> None:
    answer = client.post("/v1/jobs/predict", files={"image": b"\xff" * (60 * MEGABYTE)})
    refused(answer, 413, "body_too_large", LIMIT)


@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [
        ("/v1/jobs/predict", FORM, form),
        ("/v1/jobs/predict", "application/json", stream),
        ("/v1/models/efficientnet_lite0/predict", FORM, form),
        ("/v1/images", "image/png", stream),
    ],
)
def test_sixty_megabytes_in_chunks(client: httpx.Client, path: str, kind: str, body: Body) -> None:
    answer = client.post(path, content=body(60), headers={"Content-Type": kind})
    assert "content-length" not in answer.request.headers
    refused(answer, 413, "body_too_large", LIMIT)


def test_a_length_that_is_announced_is_refused_before_anything_arrives(
    client: httpx.Client,
) -> None:
    line = announce(client, 60 * MEGABYTE)
    assert line.getresponse().status == 413
    line.close()


def test_a_client_that_hangs_up_halfway_leaves_nothing(client: httpx.Client) -> None:
    line = announce(client, 1000)
    line.send(b"--frontier\r\n")
    line.close()
    assert client.get("/healthz").status_code == 200


def test_just_below_the_limit_it_is_the_content_that_counts(client: httpx.Client) -> None:
    answer = client.post("/v1/images", content=stream(31), headers={"Content-Type": "image/png"})
    refused(answer, 422, "not_an_image")
