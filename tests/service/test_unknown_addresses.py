"""Unknown addresses and methods are answered with problem documents too."""

import httpx
import pytest

from tests.service.asking import refused


@pytest.mark.parametrize(
    "path",
    [
        "/v1",
        "/v3/jobs",
        "/v1/job",
        "/v1/jobs/x/y/z",
        "/v1/jobs/x/result",
        "/redoc",
        "/favicon.ico",
        "/v1//jobs",
    ],
)
def test_an_address_where_nothing_is(client: httpx.Client, path: str) -> None:
    refused(client.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/v1/jobs"),
        ("DELETE", "/v1/jobs"),
        ("PATCH", "/v1/jobs/occlusion"),
        ("POST", "/v1/models"),
        ("POST", "/v1/techniques"),
        ("DELETE", "/v1/images"),
        ("GET", "/v1/models/efficientnet_lite0/predict"),
        ("POST", "/healthz"),
        ("TRACE", "/v1/jobs"),
    ],
)
def test_a_method_that_is_not_taken(client: httpx.Client, method: str, path: str) -> None:
    refused(client.request(method, path), 405, "method_not_allowed")


def test_what_is_not_taken_is_answered_with_what_is(client: httpx.Client) -> None:
    """RFC 9110, section 15.5.6: a 405 must have an Allow header."""
    assert "GET" in client.put("/v1/models").headers.get("allow", "")


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/jobs", "GET, HEAD"),
        ("/v1/image-sets", "GET, HEAD, POST"),
        (f"/v1/image-sets/{'0' * 32}", "GET, HEAD, DELETE"),
        (f"/v1/image-sets/{'0' * 32}/images", "GET, HEAD, POST"),
        ("/v1/jobs/occlusion", "POST"),
        (f"/v1/jobs/{'0' * 32}", "GET, HEAD, DELETE"),
        (f"/v1/jobs/{'0' * 32}/cancel", "POST"),
        ("/healthz", "GET, HEAD"),
        ("/v1/models/efficientnet_lite0", "GET, HEAD"),
    ],
)
def test_every_method_of_the_address_is_allowed(
    client: httpx.Client, path: str, methods: str
) -> None:
    for method in ("PUT", "PATCH", "OPTIONS"):
        answer = client.request(method, path)
        refused(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == methods


def test_where_nothing_is_the_sentence_helps(client: httpx.Client) -> None:
    for answer in (client.get("/v1/nothing"), client.put("/v1/models")):
        problem = answer.json()
        assert problem["detail"] not in ("Not Found", "Method Not Allowed"), (
            "says nothing that the status does not"
        )


def test_a_head_is_answered_like_a_get(client: httpx.Client) -> None:
    """RFC 9110, section 9.1: every server supports GET and HEAD.

    `curl -I` and load balancers send HEAD.
    """
    for path in ("/healthz", "/v1/models", "/v1/jobs"):
        assert client.head(path).status_code == 200


def test_an_id_with_a_colon_is_no_way_into_the_store(client: httpx.Client, explained: dict) -> None:
    """Redis keeps the events of a job under `<id>:events`, beside its record."""
    refused(client.get(f"/v1/jobs/{explained['id']}:events"), 404, "job_not_found")
    refused(client.post(f"/v1/jobs/{explained['id']}:events/cancel"), 404, "job_not_found")
    refused(client.delete(f"/v1/jobs/{explained['id']}:events"), 404, "job_not_found")


@pytest.mark.parametrize("wait", ["soon", "nan", "inf", "-1", "61", ""])
def test_a_wait_that_cannot_be(client: httpx.Client, explained: dict, wait: str) -> None:
    answer = client.get(explained["urls"]["self"], params={"wait": wait})
    problem = refused(answer, 422, "invalid_parameters", "wait")
    assert problem["errors"][0]["pointer"] == "/wait"
