"""Without keys a server serves its own machine: other sites and other hosts are refused."""

import httpx
import pytest

from jobs.settings import Settings
from tests.service.asking import refused
from tests.service.conftest import Serve

FOREIGN = [
    "evil.example",
    "evil.example:8000",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "192.168.0.7",
]
OURS = [
    "localhost",
    "localhost:1234",
    "LOCALHOST",
    "127.0.0.1",
    "127.0.0.2:80",
    "[::1]",
    "[::1]:8000",
]


@pytest.mark.parametrize("host", FOREIGN)
def test_a_host_of_another_machine(client: httpx.Client, host: str) -> None:
    """A page whose name was bound to our address (DNS rebinding) sends its own name."""
    for path in ("/v1/jobs", "/metrics", "/docs", "/nowhere"):
        refused(client.get(path, headers={"Host": host}), 403, "forbidden_origin", "Host")


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://evil.example:8000",
        "null",
        "http://localhost.evil.example",
        "file://",
    ],
)
def test_an_origin_of_another_site(
    client: httpx.Client, small: bytes, nothing_queued: None, origin: str
) -> None:
    """A form on any page can post here, but the browser names the page's origin."""
    answer = client.post("/v1/jobs/predict", files={"image": small}, headers={"Origin": origin})
    refused(answer, 403, "forbidden_origin", "Origin")


@pytest.mark.parametrize("host", OURS)
def test_every_name_of_this_machine_is_fine(client: httpx.Client, host: str) -> None:
    assert client.get("/v1/jobs", headers={"Host": host}).status_code == 200
    assert client.get("/v1/jobs", headers={"Origin": f"http://{host}"}).status_code == 200


@pytest.mark.parametrize("text", ["[", "[::1"])
def test_a_host_or_origin_that_cannot_be_read(client: httpx.Client, text: str) -> None:
    for headers in ({"Host": text}, {"Origin": f"http://{text}"}):
        answer = client.get("/v1/jobs", headers=headers)
        assert answer.status_code in (400, 403), f"{headers}: {answer.text}"


def test_names_can_be_allowed(serve: Serve, settings: Settings) -> None:
    own = serve(settings.model_copy(update={"allowed_hosts": ["retina.example"]}))
    assert own.get("/v1/jobs", headers={"Host": "retina.example:8000"}).status_code == 200
    assert own.get("/v1/jobs", headers={"Origin": "https://retina.example"}).status_code == 200
    refused(own.get("/v1/jobs", headers={"Host": "other.example"}), 403, "forbidden_origin")


def test_a_key_is_not_asked_for(client: httpx.Client) -> None:
    for headers in ({}, {"X-API-Key": "anything"}, {"Authorization": "Bearer anything"}):
        assert client.get("/v1/jobs", headers=headers).status_code == 200
