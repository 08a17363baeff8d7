"""Forms as browsers, curl and HTTP libraries send them: every correct one is understood."""

import base64
import gzip
import zlib
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import quote

import httpx
import pytest

from tests.service.asking import ended, refused

FORM = "multipart/form-data; boundary=XX"
URLENCODED = "application/x-www-form-urlencoded"
CLOSED = b"--XX--\r\n"


def part(name: str, value: bytes, label: str = "", *headers: str) -> bytes:
    """Return a part of a form; `label` is the rest of its Content-Disposition."""
    lines = [f'Content-Disposition: form-data; name="{name}"{label}', *headers]
    return b"--XX\r\n" + "\r\n".join(lines).encode() + b"\r\n\r\n" + value + b"\r\n"


def image(data: bytes) -> bytes:
    return part("image", data, '; filename="a.png"', "Content-Type: image/png")


def send(
    client: httpx.Client, body: bytes, kind: str = FORM, to: str = "/v1/jobs/saliency"
) -> httpx.Response:
    return client.post(to, content=body, headers={"Content-Type": kind})


def accepted(answer: httpx.Response) -> dict:
    assert answer.status_code == 202, answer.text
    job: dict = answer.json()
    return job


def test_an_optional_file_that_was_left_empty_is_as_if_absent(
    own: httpx.Client, small: bytes
) -> None:
    empty = part("style_2", b"", '; filename=""', "Content-Type: application/octet-stream")
    body = (
        part("content", small, '; filename="a.png"')
        + part("style", small, '; filename="b.png"')
        + empty
        + CLOSED
    )
    job = accepted(send(own, body, to="/v1/jobs/style_transfer"))
    assert set(job["inputs"]) == {"content", "style"}


def test_a_required_file_that_was_left_empty_is_missing(own: httpx.Client) -> None:
    empty = part("image", b"", '; filename=""', "Content-Type: application/octet-stream")
    refused(send(own, empty + CLOSED), 422, "image_missing", "'image'")


def test_a_file_that_is_empty_is_told_so(own: httpx.Client) -> None:
    body = part("image", b"", '; filename="a.png"') + CLOSED
    refused(send(own, body), 422, "image_missing", "is empty")


@pytest.mark.parametrize("kind", [FORM, URLENCODED])
def test_fields_that_were_left_empty_have_their_defaults(
    own: httpx.Client, stored: str, kind: str
) -> None:
    names = ["seed", "samples", "target", "reduce", "check", "cache", "deadline_s", "model"]
    if kind == FORM:
        empty = b"".join(part(name, b"") for name in names)
        body = part("image", stored.encode()) + empty + CLOSED
    else:
        body = f"image={stored}&{'&'.join(f'{name}=' for name in names)}".encode()
    params = accepted(send(own, body, kind))["params"]
    assert (params["samples"], params["target"], params["check"]) == (1, "top", False)
    assert params["model"] == "efficientnet_lite0"


def test_an_unknown_field_is_refused_although_it_is_empty(own: httpx.Client, stored: str) -> None:
    body = f"image={stored}&smaples=".encode()
    refused(send(own, body, URLENCODED), 422, "invalid_parameters", "Did you mean 'samples'")


def test_an_empty_field_of_json_is_refused(own: httpx.Client, stored: str) -> None:
    answer = own.post("/v1/jobs/saliency", json={"image": stored, "samples": ""})
    refused(answer, 422, "invalid_parameters", "samples")


def test_a_required_field_that_was_left_empty_is_missing(own: httpx.Client, stored: str) -> None:
    answer = send(own, f"image={stored}&goal=".encode(), URLENCODED, "/v1/jobs/fooling")
    refused(answer, 422, "invalid_parameters", "goal", "required")


@pytest.mark.parametrize("start", [b"", b"\r\n", b"This is a form.\r\nIn parts.\r\n", b"\n"])
@pytest.mark.parametrize("end", [b"", b"--XX--", CLOSED + b"epilogue\r\n", CLOSED + b"--XX\r\n"])
def test_what_surrounds_a_form_is_ignored(
    own: httpx.Client, small: bytes, start: bytes, end: bytes
) -> None:
    answer = send(own, start + image(small) + (end or CLOSED), to="/v1/images")
    assert answer.status_code == 201, answer.text
    assert answer.json()["bytes"] == len(small)


def test_a_form_that_arrives_byte_by_byte(own: httpx.Client, small: bytes) -> None:
    body = b"preamble\r\n" + image(small[:0] + small) + part("samples", b"2") + CLOSED

    def chunks() -> Iterator[bytes]:
        yield from (body[at : at + 1] for at in range(200))
        yield body[200:-60]
        yield from (bytes([byte]) for byte in body[-60:])

    answer = own.post("/v1/jobs/saliency", content=chunks(), headers={"Content-Type": FORM})
    assert accepted(answer)["params"]["samples"] == 2


@pytest.mark.parametrize("label", ["", "; filename*=UTF-8''f%C3%BCnf.png", "; filename=a.png"])
def test_an_image_whose_part_has_another_name_or_none(
    own: httpx.Client, small: bytes, label: str
) -> None:
    answer = send(own, part("image", small, label) + CLOSED, to="/v1/images")
    assert answer.status_code == 201, answer.text
    job = accepted(send(own, part("image", small, label) + part("samples", b"2") + CLOSED))
    assert job["inputs"]["image"]["id"] == answer.json()["id"]


def test_images_for_a_set_without_names(own: httpx.Client, small: bytes) -> None:
    answer = send(own, part("image", small) + CLOSED, to="/v1/image-sets")
    assert answer.status_code == 201, answer.text
    assert answer.json()["images"] == 1
    known = own.post("/v1/image-sets", data={"image": answer.json()["files"][0]["image"]})
    assert known.status_code in (201, 422)


@pytest.fixture
def stored(own: httpx.Client, small: bytes) -> str:
    stored: str = own.post("/v1/images", files={"image": small}).json()["id"]
    return stored


def base64_lines(data: bytes, end: str) -> str:
    text = base64.b64encode(data).decode()
    return end.join(text[at : at + 76] for at in range(0, len(text), 76)) + end


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_base64_with_line_breaks(own: httpx.Client, stored: str, small: bytes, end: str) -> None:
    url = f"data:image/png;base64,{base64_lines(small, end)}"
    for answer in (
        own.post("/v1/jobs/saliency", json={"image": url}),
        own.post("/v1/jobs/saliency", data={"image": url}),
        send(own, part("image", url.encode()) + CLOSED),
        own.post("/v1/jobs/saliency", json={"image": url.replace("+", "%2B")}),
    ):
        assert accepted(answer)["inputs"]["image"]["id"] == stored


def test_base64_whose_plus_became_a_space_is_refused(own: httpx.Client, small: bytes) -> None:
    url = f"data:image/png;base64,{base64.b64encode(small).decode()}"
    assert "+" in url
    answer = send(own, f"image={url}".encode(), URLENCODED)
    refused(answer, 422, "invalid_parameters", "+ as %2B")


def test_an_input_that_is_null_in_json_is_absent(own: httpx.Client, stored: str) -> None:
    body = {"content": stored, "style": stored, "style_2": None}
    assert set(accepted(own.post("/v1/jobs/style_transfer", json=body))["inputs"]) == {
        "content",
        "style",
    }


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("br", bytes)]
)
@pytest.mark.parametrize("to", ["/v1/jobs/saliency", "/v1/images", "/v1/image-sets"])
def test_a_compressed_body_is_refused_in_words(
    own: httpx.Client, to: str, encoding: str, pack: type
) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    answer = own.post(to, content=pack(b'{"samples": 2}'), headers=headers)
    refused(answer, 415, "unsupported_media_type", f"'{encoding}'", "without compression")
    assert answer.headers["accept-encoding"] == "identity"


def test_a_body_that_is_not_compressed_may_say_so(own: httpx.Client, stored: str) -> None:
    headers = {"Content-Encoding": "identity"}
    accepted(own.post("/v1/jobs/saliency", json={"image": stored}, headers=headers))


@pytest.mark.parametrize("boundary", ['"XX"', "XX", '"XX" ; charset=utf-8', "XX; a=b"])
def test_a_boundary_in_quotes(own: httpx.Client, small: bytes, boundary: str) -> None:
    kind = f"multipart/form-data; boundary={boundary}"
    assert send(own, image(small) + CLOSED, kind, "/v1/images").status_code == 201
    kind = f"Multipart/Form-Data; charset=utf-8; Boundary={boundary}"
    assert send(own, image(small) + CLOSED, kind, "/v1/images").status_code == 201


def test_fields_may_stand_before_and_after_the_file(own: httpx.Client, small: bytes) -> None:
    body = part("samples", b"3") + image(small) + part("target", b"class:7") + CLOSED
    params = accepted(send(own, body))["params"]
    assert (params["samples"], params["target"]) == (3, "class:7")


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        (("Content-Type: multipart/mixed; boundary=YY",), ("'image'", "multipart/mixed")),
        (("Content-Transfer-Encoding: base64",), ("'image'", "'base64'", "as they are")),
        (("Content-Encoding: gzip",), ("'image'", "'gzip'", "as they are")),
    ],
)
def test_a_part_that_is_encoded_is_refused_in_words(
    own: httpx.Client, small: bytes, headers: tuple[str, ...], words: tuple[str, ...]
) -> None:
    for to in ("/v1/jobs/saliency", "/v1/images", "/v1/image-sets"):
        body = part("image", small, '; filename="a.png"', *headers) + CLOSED
        refused(send(own, body, to=to), 400, "invalid_request", *words)


LABEL = "Großer Panda"
TARGET = f"class:{LABEL}"
JSON = f'{{"target": "{TARGET}"}}'
LATIN = "Content-Type: text/plain; charset=latin-1"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FORM, part("target", TARGET.encode()) + CLOSED),
        (FORM, part("target", TARGET.encode("latin-1"), "", LATIN) + CLOSED),
        (URLENCODED, f"target={TARGET}".encode()),
        (URLENCODED, f"target={quote(TARGET)}".encode()),
        (f"{URLENCODED}; charset=iso-8859-1", f"target={TARGET}".encode("latin-1")),
        ("application/json", JSON.encode()),
        ("application/json; charset=latin-1", JSON.encode("latin-1")),
        ("application/json; charset=utf-8", b"\xef\xbb\xbf" + JSON.encode()),
        (f"{URLENCODED}; charset=windows-1252", f"target={TARGET}".encode("cp1252")),
        (f"{URLENCODED}; charset=GB18030", f"target={TARGET}".encode("gb18030")),
    ],
)
def test_letters_arrive_as_they_were_sent(own: httpx.Client, kind: str, body: bytes) -> None:
    """No such class exists, and the answer repeats the name that arrived."""
    refused(send(own, body, kind), 422, "unknown_class", f"'{LABEL}'")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FORM, part("target", "class:fünf".encode("latin-1")) + CLOSED),
        (FORM, part("target", b"top", "", "Content-Type: text/plain; charset=nonsense") + CLOSED),
        (URLENCODED, "target=class:fünf".encode("latin-1")),
        (URLENCODED, b"target=class:f%FCnf"),
        (f"{URLENCODED}; charset=nonsense", b"target=top"),
        ("application/json; charset=nonsense", b"{}"),
        # Python decodes these three: in quadratic time, and to half of a character.
        (FORM, part("target", b"top", "", "Content-Type: text/plain; charset=punycode") + CLOSED),
        (f"{URLENCODED}; charset=idna", b"target=top"),
        (f"{URLENCODED}; charset=utf-7", b"target=class:+2AA-"),
    ],
)
def test_letters_that_cannot_be_read_are_refused(own: httpx.Client, kind: str, body: bytes) -> None:
    refused(send(own, body, kind), 400, "invalid_request")


def test_json_that_is_called_a_form_is_told_so(own: httpx.Client) -> None:
    """As `curl -d` sends it."""
    answer = send(own, b'{"image": "sha256:00"}', URLENCODED)
    refused(answer, 400, "invalid_request", "JSON", "--json")


def test_a_body_without_a_content_type(own: httpx.Client, small: bytes, stored: str) -> None:
    bare = httpx.Request("POST", own.base_url.join("/v1/jobs/saliency"), content=image(small))
    answer = own.send(bare)
    refused(answer, 415, "unsupported_media_type", "no Content-Type", "multipart/form-data")
    body = f'{{"image": "{stored}"}}'.encode()
    accepted(own.send(httpx.Request("POST", bare.url, content=body)))


@pytest.mark.parametrize("encoding", ["gzip", "gzip, chunked", "deflate, chunked"])
def test_a_transfer_encoding_that_is_not_decoded_is_refused(
    own: httpx.Client, encoding: str
) -> None:
    with closing(HTTPConnection(own.base_url.host, own.base_url.port, timeout=10)) as line:
        line.putrequest("POST", "/v1/jobs/saliency")
        line.putheader("Content-Type", "application/json")
        line.putheader("Transfer-Encoding", encoding)
        line.endheaders(b"2\r\n{}\r\n0\r\n\r\n")
        # The server itself refuses a body whose length it cannot tell.
        assert line.getresponse().status == (415 if "chunked" in encoding else 400)


def test_the_model_of_the_address_is_not_silently_another_one(
    own: httpx.Client, small: bytes
) -> None:
    sent = {"files": {"image": small}, "data": {"model": "resnet50"}}
    answer = own.post("/v1/models/efficientnet_lite0/predict", **sent)
    problem = refused(answer, 422, "invalid_parameters", "'efficientnet_lite0'")
    assert problem["errors"][0]["pointer"] == "/model"


def test_a_field_that_images_do_not_have_is_refused(own: httpx.Client, small: bytes) -> None:
    for sent in ({"data": {"name": "x"}}, {"data": {"nmae": ""}}):
        answer = own.post("/v1/images", files={"image": small}, **sent)
        refused(answer, 422, "invalid_parameters", "no field", "`image`")
    second = own.post("/v1/images", files={"image": small, "photo": small})
    refused(second, 422, "invalid_parameters", "'photo'")
    url = f"data:image/png;base64,{base64.b64encode(small).decode()}"
    answer = own.post("/v1/images", json={"image": url, "name": "x"})
    refused(answer, 422, "invalid_parameters", "'name'")


def test_a_job_of_a_form_that_a_browser_sends_succeeds(client: httpx.Client, small: bytes) -> None:
    body = image(small) + part("top_k", b"") + part("seed", b"") + CLOSED
    answer = send(client, body, to="/v1/jobs/predict")
    job = ended(client, accepted(answer) if answer.status_code == 202 else answer.json())
    assert job["status"] == "succeeded"
