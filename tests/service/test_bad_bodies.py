"""Bodies that cannot be parsed: broken JSON, broken forms, other media types, too many parts."""

import json

import httpx
import pytest

from tests.service.asking import refused

pytestmark = pytest.mark.usefixtures("nothing_queued")

JOB = "/v1/jobs/occlusion"
FORM = "multipart/form-data; boundary=frontier"


def send(client: httpx.Client, body: bytes | str, kind: str) -> httpx.Response:
    return client.post(JOB, content=body, headers={"Content-Type": kind})


def part(name: str, value: bytes, *, file: bool = False) -> bytes:
    label = f'name="{name}"' + ('; filename="a.png"' if file else "")
    return (
        b"--frontier\r\nContent-Disposition: form-data; "
        + label.encode()
        + b"\r\n\r\n"
        + value
        + b"\r\n"
    )


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"window": }',
        b"window=32",
        b"\x89PNG\r\n\x1a\n",
        b'{"window": "\xff"}',
        b'{"window": 1} {"window": 2}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"seed": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda body: repr(body[:12]),
)
def test_a_body_that_is_not_json(client: httpx.Client, body: bytes) -> None:
    refused(send(client, body, "application/json"), 400, "invalid_request", "JSON")


@pytest.mark.parametrize("body", ["[]", '[{"window": 16}]', '"occlusion"', "5", "null", "true"])
def test_json_that_is_no_object(client: httpx.Client, body: str) -> None:
    refused(send(client, body, "application/json"), 400, "invalid_request", "object")


def test_half_a_character_as_a_name_or_a_value(client: httpx.Client, stored: str) -> None:
    for body in (
        r'{"\ud800": 1}',
        r'{"target": "class:\ud800"}',
        r'{"model": "\ud800"}',
        r'{"image": "\ud800"}',
    ):
        refused(send(client, body, "application/json"), 422, "invalid_parameters", "half of")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (r'{"ids": ["\ud83d"]}', "/ids"),
        (r'{"ids": ["sha256:0", "\udc00\ud83d"]}', "/ids"),
        (r'{"name": "a\ud83d"}', "/name"),
        (r'{"ids": [], "name": {"a": [{"\ud83d": 1}]}}', "/name"),
        (r'{"\ud83d": "a"}', r"/\ud83d"),
        ('{"name": "\ud83d"}'.encode("utf-8", "surrogatepass"), "/name"),
    ],
)
def test_half_a_character_makes_no_image_set(
    client: httpx.Client, body: bytes | str, pointer: str
) -> None:
    sets = client.get("/v1/image-sets").json()
    headers = {"Content-Type": "application/json"}
    answer = client.post("/v1/image-sets", content=body, headers=headers)
    problem = refused(answer, 422, "invalid_parameters", "half of a character")
    assert problem["errors"][0]["pointer"] == pointer
    assert client.get("/v1/image-sets").json() == sets


def test_a_character_of_two_halves_is_whole(client: httpx.Client) -> None:
    body = r'{"name": "\ud83d\udc08"}'
    headers = {"Content-Type": "application/json"}
    answer = client.post("/v1/image-sets", content=body, headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.json()["name"] == "🐈"


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "image/png", "application/octet-stream", "nonsense"]
)
def test_a_body_of_another_kind(client: httpx.Client, stored: str, kind: str) -> None:
    answer = send(client, json.dumps({"image": stored}), kind)
    refused(answer, 415, "unsupported_media_type", "multipart/form-data", "application/json")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FORM, b"hello"),
        (FORM, b"--frontier\r\n@@@: @@@\r\n\r\n"),
        (FORM, b"--frontier\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--frontier--\r\n"),
        ("multipart/form-data", part("image", b"x") + b"--frontier--\r\n"),
        ("multipart/form-data; boundary=other", part("image", b"x") + b"--frontier--\r\n"),
    ],
    ids=["no form", "no headers", "no name", "no boundary", "another boundary"],
)
def test_a_malformed_form(client: httpx.Client, kind: str, body: bytes) -> None:
    refused(send(client, body, kind), 400, "invalid_request", "form")


def test_a_form_that_ends_within_the_image(client: httpx.Client, small: bytes) -> None:
    assert send(client, part("image", small, file=True)[:1000], FORM).status_code in (400, 422)


def test_a_form_that_ends_within_a_parameter_is_not_run_without_it(
    client: httpx.Client, small: bytes
) -> None:
    cut = part("image", small, file=True) + part("window", b"16")[:-2]
    refused(send(client, cut, FORM), 400, "invalid_request")


def test_too_many_fields(client: httpx.Client, small: bytes) -> None:
    fields = {f"field{i}": "1" for i in range(101)}
    refused(client.post(JOB, files={"image": small}, data=fields), 400, "invalid_request", "form")


def test_too_many_files(client: httpx.Client, small: bytes) -> None:
    files = {f"image{i}": small for i in range(17)}
    refused(client.post(JOB, files=files), 422, "too_many_files", "form", "16 files")


def test_a_parameter_of_megabytes(client: httpx.Client, small: bytes) -> None:
    answer = client.post(JOB, files={"image": small}, data={"target": "x" * (2 << 20)})
    refused(answer, 413, "body_too_large", "form", "1,048,576 bytes")


def test_a_parameter_sent_as_a_file(client: httpx.Client, small: bytes) -> None:
    answer = client.post(JOB, files={"image": small, "target": b"top"})
    refused(answer, 422, "invalid_parameters", "'target'", "'image'")


def test_curl_with_d_instead_of_f(client: httpx.Client, small: bytes) -> None:
    answer = send(client, small, "application/x-www-form-urlencoded")
    refused(answer, 400, "invalid_request", "-F")


def test_the_same_image_twice(client: httpx.Client, small: bytes) -> None:
    files = [("image", ("a.png", small, "image/png")), ("image", ("b.png", small, "image/png"))]
    refused(client.post(JOB, files=files), 422, "invalid_parameters", "image was sent twice")


def test_the_same_parameter_twice(client: httpx.Client, stored: str) -> None:
    answer = send(
        client, f"image={stored}&window=48&window=32", "application/x-www-form-urlencoded"
    )
    refused(answer, 422, "invalid_parameters", "window was sent twice")


def test_noise_that_no_sample_would_have(client: httpx.Client, stored: str) -> None:
    answer = client.post("/v1/jobs/saliency", json={"image": stored, "noise": 0.3})
    refused(answer, 422, "invalid_parameters", "noise is used by samples above 1 only")
