"""Images that are rotated or not 8-bit RGB: accepted, and each conversion is named."""

from collections.abc import Callable

import httpx
import pytest
from PIL import Image
from PIL.Image import Transpose

from tests.imaging.profiles import ADOBE_RGB, gamma_curve, rgb_profile
from tests.service.asking import ended, queue
from tests.service.pictures import deep_colour, deep_grey, encoded, palette_with_hole, photo, turned

Make = Callable[[Image.Image], bytes]


def half_transparent(image: Image.Image) -> Image.Image:
    image = image.convert("RGBA")
    image.putalpha(200)
    return image


# The file, made from the espresso, and the conversions that are named.
KINDS: dict[str, tuple[Make, list[str]]] = {
    "a CMYK JPEG": (lambda i: encoded(i.convert("CMYK"), "JPEG", quality=95), ["cmyk_to_rgb"]),
    "a PNG of 16 bits grey": (deep_grey, ["16bit_to_8bit"]),
    "a PNG of 3 × 16 bits": (deep_colour, ["16bit_to_8bit"]),
    "a palette PNG": (lambda i: encoded(i.quantize(64)), ["palette_to_rgb"]),
    "a palette PNG with a hole": (palette_with_hole, ["palette_to_rgb", "transparency_on_white"]),
    "a still GIF": (lambda i: encoded(i, "GIF"), ["palette_to_rgb"]),
    "a grey PNG": (lambda i: encoded(i.convert("L")), ["gray_to_rgb"]),
    "a grey JPEG": (lambda i: encoded(i.convert("L"), "JPEG"), ["gray_to_rgb"]),
    "a grey PNG with alpha": (
        lambda i: encoded(i.convert("LA")),
        ["gray_to_rgb", "transparency_on_white"],
    ),
    "an RGBA PNG": (lambda i: encoded(half_transparent(i)), ["transparency_on_white"]),
    "an RGBA WebP": (lambda i: encoded(half_transparent(i), "WEBP"), ["transparency_on_white"]),
    "a float TIFF": (lambda i: encoded(i.convert("F"), "TIFF"), ["float_to_rgb"]),
    "an AVIF": (lambda i: encoded(i, "AVIF"), []),
    "a JPEG in another colour space": (
        lambda i: encoded(i, "JPEG", icc_profile=rgb_profile(ADOBE_RGB, gamma_curve(2.2))),
        ["profile_to_srgb"],
    ),
    "a plain JPEG": (lambda i: encoded(i, "JPEG"), []),
    "a plain BMP": (lambda i: encoded(i, "BMP"), []),
    "a phone's JPEG with a second view": (
        lambda i: encoded(i, "MPO", save_all=True, append_images=[i]),
        [],
    ),
}

# Orientation → how a camera that is held that way stores the upright scene.
STORED_AS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_90,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_270,
}


def predicted(client: httpx.Client, data: bytes) -> tuple[dict, dict]:
    """Return the input in the job's record, and the first prediction."""
    job = ended(client, queue(client, "predict", data))
    assert job["status"] == "succeeded", job["error"]
    return job["inputs"]["image"], job["result"]["summary"]["predictions"][0]


@pytest.mark.parametrize("name", KINDS)
def test_the_espresso_is_seen_in(client: httpx.Client, coffee: bytes, name: str) -> None:
    make, conversions = KINDS[name]
    image, first = predicted(client, make(photo(coffee)))
    assert first["label"] == "espresso"
    assert (image["width"], image["height"]) == (300, 200)
    assert image["conversions"] == conversions


def test_one_bit_is_enough_to_be_looked_at(client: httpx.Client, coffee: bytes) -> None:
    image, _ = predicted(client, encoded(photo(coffee).convert("1")))
    assert image["conversions"] == ["bilevel_to_rgb"]


@pytest.mark.parametrize("orientation", STORED_AS)
def test_a_turned_photograph_is_seen_upright(
    client: httpx.Client, coffee: bytes, orientation: int
) -> None:
    stored = photo(coffee).transpose(STORED_AS[orientation])
    image, first = predicted(client, turned(stored, orientation))
    assert (image["width"], image["height"]) == (300, 200)
    assert image["conversions"] == ["exif_rotated"]
    _, upright = predicted(client, encoded(photo(coffee)))
    assert first["label"] == upright["label"]
    assert first["probability"] == pytest.approx(upright["probability"], abs=0.05)


def test_an_orientation_of_one_or_of_nonsense_is_no_conversion(
    client: httpx.Client, coffee: bytes
) -> None:
    for orientation in (1, 77):
        image, _ = predicted(client, turned(photo(coffee), orientation))
        assert (image["width"], image["height"], image["conversions"]) == (300, 200, [])


def test_the_upload_names_the_same_conversions_as_the_job(
    client: httpx.Client, coffee: bytes
) -> None:
    data = palette_with_hole(photo(coffee))
    stored = client.post("/v1/images", files={"image": data}).json()
    image, _ = predicted(client, data)
    assert (
        stored["conversions"] == image["conversions"] == ["palette_to_rgb", "transparency_on_white"]
    )
