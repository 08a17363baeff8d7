"""Images are stored once, under the hash of their bytes."""

import base64
import hashlib

import httpx
import pytest

from tests.service.asking import refused, store_image


def identity(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def test_a_form_a_raw_body_and_a_data_url_give_one_image(
    client: httpx.Client, chelsea: bytes
) -> None:
    url = f"data:image/png;base64,{base64.b64encode(chelsea).decode()}"
    answers = [
        client.post("/v1/images", files={"image": chelsea}),
        client.post("/v1/images", content=chelsea, headers={"Content-Type": "image/png"}),
        client.post("/v1/images", content=chelsea, headers={"Content-Type": "image/webp; it=lies"}),
        client.post("/v1/images", json={"image": url}),
    ]
    for answer in answers:
        assert answer.status_code == 201
        assert answer.json()["id"] == identity(chelsea)
        assert answer.headers["location"] == answer.json()["urls"]["self"]


def test_a_media_type_may_be_written_in_capitals(client: httpx.Client, chelsea: bytes) -> None:
    answer = client.post("/v1/images", content=chelsea, headers={"Content-Type": "Image/PNG"})
    assert answer.status_code == 201, answer.text


def test_what_is_known_of_an_image(client: httpx.Client, chelsea: bytes) -> None:
    stored = store_image(client, chelsea)
    known = client.get(stored["urls"]["self"]).json()
    assert known == stored
    assert known.pop("expires_at") > "2000"
    assert known == {
        "id": identity(chelsea),
        "width": 451,
        "height": 300,
        "media_type": "image/png",
        "bytes": len(chelsea),
        "conversions": [],
        "urls": {
            "self": f"/v1/images/{identity(chelsea)}",
            "content": f"/v1/images/{identity(chelsea)}/content",
        },
    }


def test_the_bytes_come_back_as_they_were_sent(client: httpx.Client, chelsea: bytes) -> None:
    answer = client.get(store_image(client, chelsea)["urls"]["content"])
    assert answer.content == chelsea
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-length"] == str(len(chelsea))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["etag"] == f'"{identity(chelsea)}"'


def test_an_image_that_the_client_has_is_not_sent_again(
    client: httpx.Client, chelsea: bytes
) -> None:
    url = store_image(client, chelsea)["urls"]["content"]
    etag = client.get(url).headers["etag"]
    assert client.get(url, headers={"If-None-Match": etag}).status_code == 304


def test_a_stored_image_is_used_by_its_id(client: httpx.Client, chelsea: bytes) -> None:
    stored = store_image(client, chelsea)
    for form in ({"json": {"image": stored["id"]}}, {"data": {"image": stored["id"]}}):
        job = client.post("/v1/jobs/predict", **form).json()
        assert job["inputs"]["image"].items() <= stored.items()


def test_every_use_keeps_it_longer(own: httpx.Client, small: bytes) -> None:
    stored = store_image(own, small)
    own.post("/v1/jobs/predict", json={"image": stored["id"]})
    assert own.get(stored["urls"]["self"]).json()["expires_at"] > stored["expires_at"]


@pytest.mark.parametrize("rest", ["", "/content"])
@pytest.mark.parametrize(
    "image", ["sha256:" + "0" * 64, "sha256:", "x", "%00", "sha256:..", "%2e%2e", "0" * 63 + "*"]
)
def test_an_image_that_is_not_there(client: httpx.Client, image: str, rest: str) -> None:
    refused(client.get(f"/v1/images/{image}{rest}"), 404, "image_not_found", "expired")


@pytest.mark.parametrize("image", ["sha256:..%2f..%2fetc%2fpasswd", "..%2f..%2fredis%2fredis.conf"])
def test_no_path_leads_out_of_the_store(client: httpx.Client, image: str) -> None:
    refused(client.get(f"/v1/images/{image}/content"), 404, "not_found")


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"files": {"photo": b"x"}},
        {"data": {"image": "sha256:" + "0" * 64}},
        {"json": {}},
        {"json": {"image": "sha256:" + "0" * 64}},
        {"content": b"", "headers": {"Content-Type": "image/png"}},
    ],
    ids=str,
)
def test_nothing_to_store(client: httpx.Client, sent: dict) -> None:
    refused(client.post("/v1/images", **sent), 422, "image_missing", "-F image=@photo.jpg")
