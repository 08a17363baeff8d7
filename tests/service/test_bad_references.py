"""References to images that do not exist: missing, misnamed, not stored, or on another server."""

import base64

import httpx
import pytest

from tests.service.asking import refused

pytestmark = pytest.mark.usefixtures("nothing_queued")

JOB = "/v1/jobs/occlusion"
DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize("body", [{}, {"window": 16}])
def test_no_image_in_json(client: httpx.Client, body: dict) -> None:
    problem = refused(client.post(JOB, json=body), 422, "image_missing", "'image'", "curl")
    assert problem["errors"][0]["pointer"] == "/image"


def test_no_image_in_a_form(client: httpx.Client) -> None:
    refused(client.post(JOB, data={"window": "16"}), 422, "image_missing", "-F image=@")


def test_no_body_at_all(client: httpx.Client) -> None:
    refused(client.post(JOB), 422, "image_missing", "'image'")


def test_an_image_under_another_name_in_a_form(client: httpx.Client, small: bytes) -> None:
    refused(
        client.post(JOB, files={"picture": small}),
        422,
        "image_missing",
        "'image'",
        "not accept 'picture'",
    )


def test_a_file_whose_at_sign_was_forgotten(client: httpx.Client) -> None:
    refused(client.post(JOB, data={"image": "cat.png"}), 422, "unknown_image", "Was the @")
    again = refused(client.post(JOB, data={"image": "sha256:" + "0" * 64}), 422, "unknown_image")
    assert "@ before" not in again["detail"]


def test_a_second_style_has_a_name_of_its_own(client: httpx.Client, small: bytes) -> None:
    files = [("content", small), ("style", small), ("style", small)]
    refused(
        client.post("/v1/jobs/style_transfer", files=files), 422, "invalid_parameters", "as style_2"
    )
    refused(
        client.post(JOB, files=[("image", small), ("image", small)]),
        422,
        "invalid_parameters",
        "Send it once",
    )


def test_a_technique_is_no_job(client: httpx.Client) -> None:
    refused(client.get("/v1/jobs/filters"), 404, "job_not_found", "is a technique", "POST")


def test_an_image_under_another_name_in_json(client: httpx.Client, stored: str) -> None:
    refused(client.post(JOB, json={"picture": stored}), 422, "invalid_parameters", "picture")


def test_the_images_of_another_technique(client: httpx.Client, small: bytes) -> None:
    answer = client.post("/v1/jobs/saliency", files={"content": small, "style": small})
    refused(answer, 422, "image_missing", "'image'")
    answer = client.post("/v1/jobs/saliency", files={"image": small, "style": small})
    problem = refused(answer, 422, "invalid_parameters", "'style'", "'image'")
    assert problem["errors"][0]["pointer"] == "/style"


@pytest.mark.parametrize(
    "text",
    [
        f"sha256:{DIGEST}",
        "sha256:",
        f"sha256:{DIGEST[:-1]}",
        f"sha256:{DIGEST}0",
        f"sha256:{DIGEST.upper()}",
        f"sha256:sha256:{DIGEST}",
        f"md5:{DIGEST}",
        "sha256:../../../../../../etc/passwd",
        "sha256:" + "../" * 20 + "etc",
        "sha256:..%2f..%2fetc%2fpasswd",
        f"sha256:{DIGEST[:-1]}\n",
        f"sha256:{DIGEST[:-1]}\0",
        f"sha256:{DIGEST[:-1]}*",
        "../images/local/x",
        "/etc/passwd",
        "file:///etc/passwd",
        "@photo.jpg",
        "photo.jpg",
        "",
    ],
)
def test_a_text_that_names_no_stored_image(client: httpx.Client, text: str) -> None:
    problem = refused(client.post(JOB, json={"image": text}), 422, "unknown_image", "/v1/images")
    assert problem["errors"][0]["pointer"] == "/image"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/cat.png",
        "http://127.0.0.1:6379/",
        "http://169.254.169.254/",
        "HTTPS://example.org",
    ],
)
def test_no_address_is_fetched(client: httpx.Client, url: str) -> None:
    refused(client.post(JOB, json={"image": url}), 422, "image_url_not_allowed", "/v1/images")
    refused(client.post(JOB, data={"image": url}), 422, "image_url_not_allowed", "/v1/images")


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png;base64,@@@@",
        "data:image/png;base64,AAA",
        "data:image/png;base64,é",
        "data:image/png,plain",
        "data:,",
        "data:",
    ],
)
def test_a_broken_data_url(client: httpx.Client, url: str) -> None:
    refused(client.post(JOB, json={"image": url}), 422, "invalid_parameters", "data: URL")


def test_a_data_url_of_nothing_and_one_of_no_image(client: httpx.Client) -> None:
    refused(client.post(JOB, json={"image": "data:image/png;base64,"}), 422, "image_missing")
    text = base64.b64encode(b"no picture").decode()
    refused(client.post(JOB, json={"image": f"data:image/png;base64,{text}"}), 422, "not_an_image")


def test_an_image_of_another_json_type_is_told_so(client: httpx.Client) -> None:
    for image in (5, True, ["sha256:"], {"id": "sha256:"}):
        problem = refused(
            client.post(JOB, json={"image": image}), 422, "invalid_parameters", "image"
        )
        assert problem["errors"][0]["pointer"] == "/image"
        assert "no such parameter" not in problem["detail"], (
            "an image is permitted, even needed; it must be a text"
        )


def test_null_is_an_absent_image(client: httpx.Client) -> None:
    problem = refused(client.post(JOB, json={"image": None}), 422, "image_missing", "'image'")
    assert problem["errors"][0]["pointer"] == "/image"


@pytest.mark.parametrize("url", ["https://example.org/cat.png", "data:image/png;base64,@@@@"])
def test_what_is_wrong_with_an_image_is_pointed_at(client: httpx.Client, url: str) -> None:
    problem = client.post(JOB, json={"image": url}).json()
    assert [error["pointer"] for error in problem["errors"]] == ["/image"]
