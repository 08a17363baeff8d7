"""Files that are not images, or cannot be explained: refused with a reason, nothing is queued."""

from collections.abc import Callable

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.imaging.reading import FILES, tiff
from tests.imaging.test_jpeg import with_scans
from tests.service import pictures
from tests.service.asking import refused
from tests.service.pictures import encoded, moving, photo, plain

pytestmark = pytest.mark.usefixtures("nothing_queued")

Make = Callable[[bytes], bytes]


def jpeg(png: bytes) -> bytes:
    return encoded(photo(png), "JPEG", quality=90)


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def damaged(png: bytes) -> bytes:
    middle = len(png) // 2
    return png[:middle] + bytes([png[middle] ^ 0xFF]) + png[middle + 1 :]


# The file, made from a sound PNG; the code of the refusal; words of its detail.
BAD: dict[str, tuple[Make, str, str]] = {
    "a text": (lambda _: b"This is not a picture.", "not_an_image", "PNG"),
    "an SVG": (lambda _: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not_an_image", "PNG"),
    "a PDF": (lambda png: encoded(photo(png), "PDF"), "not_an_image", "PNG"),
    "an icon": (lambda png: encoded(photo(png), "ICO"), "not_an_image", "PNG"),
    "a picture that is transparent everywhere": (
        lambda _: encoded(Image.new("RGBA", (60, 40))),
        "transparent_image",
        "alpha",
    ),
    "a TIFF of floats from -1 to 1": (
        lambda _: (FILES / "f_signed.tif").read_bytes(),
        "unknown_range",
        "from -1 to 1",
    ),
    "a TIFF of 64-bit floats": (
        lambda _: tiff(np.full((16, 20), 0.5)),
        "unsupported_image",
        "floats of 64 bits",
    ),
    "a JPEG cut in half, with a mark of its end": (
        lambda png: half(jpeg(png)) + b"\xff\xd9",
        "broken_image",
        "cut off",
    ),
    "a JPEG of 200 scans": (lambda _: with_scans(200), "too_expensive", "200 scans"),
    "a HEIC for HDR": (lambda _: (FILES / "pq.heic").read_bytes(), "hdr_image", "HDR"),
    "an empty file": (lambda _: b"", "image_missing", "empty"),
    "a PNG cut in half": (half, "broken_image", "cut off"),
    "a JPEG cut in half": (lambda png: half(jpeg(png)), "broken_image", "cut off"),
    "a JPEG without its last bytes": (lambda png: jpeg(png)[:-2], "broken_image", "cut off"),
    "a PNG cut in its header": (lambda png: png[:30], "not_an_image", "PNG"),
    "a PNG with one wrong byte": (damaged, "broken_image", "decoded"),
    "a header of 20,000 × 20,000": (
        lambda _: pictures.lying_bomb(),
        "image_too_large",
        "50,000,000",
    ),
    "12,000 × 12,000 pixels": (lambda _: pictures.real_bomb(), "image_too_large", "50,000,000"),
    "an animated GIF": (lambda _: moving("GIF"), "animated_image", "frames"),
    "an animated WebP": (lambda _: moving("WEBP"), "animated_image", "frames"),
    "an animated PNG": (lambda _: moving("PNG"), "animated_image", "frames"),
    "a TIFF of pages": (lambda _: moving("TIFF"), "animated_image", "frames"),
    "one pixel": (lambda _: plain(1, 1), "image_too_small", "1 × 1"),
    "7 pixels wide": (lambda _: plain(7, 40), "image_too_small", "8"),
    "2000 × 9": (lambda _: plain(2000, 9), "image_too_narrow", "2000 × 9"),
    "9 × 2000": (lambda _: plain(9, 2000), "image_too_narrow", "9 × 2000"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_job_is_refused_for(client: httpx.Client, small: bytes, name: str) -> None:
    make, code, said = BAD[name]
    refused(client.post("/v1/jobs/occlusion", files={"image": make(small)}), 422, code, said)


@pytest.mark.parametrize("name", BAD)
def test_it_is_not_stored_either(client: httpx.Client, small: bytes, name: str) -> None:
    make, code, said = BAD[name]
    refused(client.post("/v1/images", files={"image": make(small)}), 422, code, said)


def test_which_of_several_images_is_refused_is_said(client: httpx.Client, small: bytes) -> None:
    answer = client.post(
        "/v1/jobs/style_transfer", files={"content": small, "style": b"This is not a picture."}
    )
    refused(answer, 422, "not_an_image")
    assert [violation["pointer"] for violation in answer.json()["errors"]] == ["/style"]


def test_a_comment_of_200_megabytes_is_not_unpacked(client: httpx.Client) -> None:
    """The text is left out before it is read, and the pixels are sound."""
    answer = client.post("/v1/images", files={"image": pictures.text_bomb()})
    assert (answer.status_code, answer.json()["conversions"]) == (201, [])


def test_the_name_and_the_type_that_a_client_claims_do_not_matter(client: httpx.Client) -> None:
    claim = ("photo.png", b"GIF89a, it says", "image/png")
    refused(client.post("/v1/jobs/occlusion", files={"image": claim}), 422, "not_an_image")


def test_too_many_pixels_are_counted_in_the_sentence(client: httpx.Client) -> None:
    answer = client.post("/v1/images", files={"image": pictures.real_bomb()})
    refused(answer, 422, "image_too_large", "12000 × 12000", "144,000,000")


def test_the_smallest_and_the_narrowest_that_are_taken(client: httpx.Client) -> None:
    for width, height in ((8, 8), (800, 8), (8, 800)):
        picture = encoded(Image.new("RGB", (width, height)))
        assert client.post("/v1/images", files={"image": picture}).status_code == 201
