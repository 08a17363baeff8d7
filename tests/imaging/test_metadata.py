"""Damaged metadata beside sound pixels: the pixels are used, and the damage is named."""

import zlib

import numpy as np
import pytest
from PIL import Image

from imaging.errors import ImageRefused
from tests.imaging.reading import FILES, chunk, conversions, encoded, pixels, read, with_chunks
from tests.imaging.test_profiles import RANDOM, icc_chunk, made

PICTURE = Image.fromarray(RANDOM)
PLAIN = encoded(PICTURE)
NONSENSE = b"Exif\0\0not a TIFF file"


def wrong_sum(whole: bytes) -> bytes:
    return whole[:-1] + bytes([whole[-1] ^ 1])


@pytest.mark.parametrize("name", ["png_bad_exif.png", "webp_bad_exif.webp"])
def test_the_cases_that_were_taken_for_cut_off(name: str) -> None:
    data = (FILES / name).read_bytes()
    assert conversions(data) == ["metadata_ignored"]
    with Image.open(FILES / name) as image:
        assert np.array_equal(pixels(data), np.asarray(image.convert("RGB")))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("exif", [NONSENSE, b"Exif\0\0II*\0\xff\xff\xff\x7f", b"Exif\0\0"])
def test_exif_that_cannot_be_read_costs_no_pixel(kind: str, exif: bytes) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    data, plain = (encoded(PICTURE, kind, **more, **options) for more in ({"exif": exif}, {}))
    assert np.array_equal(pixels(data), pixels(plain))
    assert set(conversions(data)) <= {"metadata_ignored"}


def test_exif_of_an_avif_costs_no_pixel() -> None:
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    sound = encoded(PICTURE, "AVIF", exif=exif)
    data = sound.replace(exif.tobytes()[6:14], b"not TIFF")
    assert data != sound
    assert np.array_equal(pixels(data), pixels(encoded(PICTURE, "AVIF")))


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        (wrong_sum(chunk(b"tEXt", b"Comment\0hello")), ["metadata_ignored"]),
        (wrong_sum(chunk(b"eXIf", b"II*\0")), ["metadata_ignored"]),
        (wrong_sum(icc_chunk(made("Display P3"))), ["metadata_ignored"]),
        (chunk(b"gAMA", b"\0"), ["metadata_ignored"]),
        (chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<broken"), []),
        (chunk(b"iTXt", b"nothing"), []),
        (chunk(b"zTXt", b"Comment\0\0junk"), []),
        (chunk(b"zTXt", b"Comment\0\7junk"), []),
        (chunk(b"tEXt", b""), []),
        (chunk(b"pHYs", b"\0"), []),
        (chunk(b"acTL", bytes(8)), []),
    ],
)
@pytest.mark.filterwarnings("ignore:Invalid APNG")
def test_a_damaged_chunk_that_no_pixel_needs_costs_no_pixel(bad: bytes, named: list[str]) -> None:
    data = with_chunks(PLAIN, bad)
    assert np.array_equal(pixels(data), RANDOM)
    assert conversions(data) == named


def test_texts_and_profiles_that_unpack_to_gigabytes_are_not_unpacked() -> None:
    squeeze = zlib.compressobj(9)
    bomb = b"".join(squeeze.compress(bytes(1 << 20)) for _ in range(100)) + squeeze.flush()
    texts = (b"zTXt", b"Comment\0\0"), (b"iTXt", b"Comment\0\1\0\0\0")
    for data in (with_chunks(PLAIN, chunk(name, head + bomb)) for name, head in texts):
        assert np.array_equal(pixels(data), RANDOM)
    data = with_chunks(PLAIN, chunk(b"iCCP", b"x\0\0" + bomb))
    assert conversions(data) == ["profile_ignored"]
    assert np.array_equal(pixels(data), RANDOM)


def test_damage_of_chunks_that_pixels_need_is_refused() -> None:
    head, body = PLAIN[:33], PLAIN[33:]
    transparent = wrong_sum(chunk(b"tRNS", bytes(6)))
    for data in (wrong_sum(head) + body, PLAIN[:-30], head + transparent + body):
        with pytest.raises(ImageRefused) as caught:
            read(data)
        assert caught.value.code in ("not_an_image", "broken_image")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF", "GIF", "BMP"])
def test_a_file_that_is_cut_off_is_refused(kind: str) -> None:
    data = encoded(PICTURE, kind)
    for share in (0.5, 0.8, 0.95):
        with pytest.raises(ImageRefused) as caught:
            read(data[: int(share * len(data))])
        assert caught.value.code in ("broken_image", "not_an_image")


def test_what_follows_the_end_of_a_png_is_not_read() -> None:
    assert np.array_equal(pixels(PLAIN + b"any trailer"), RANDOM)
    assert conversions(PLAIN + b"any trailer") == []
