"""The segments of a JPEG: what no pixel needs is left out, and what takes long is refused."""

import re

import numpy as np
import pytest
from PIL import Image

from imaging import jpeg
from imaging.errors import ImageRefused
from tests.imaging.reading import conversions, encoded, pixels, read
from tests.imaging.test_profiles import RANDOM, made

PLAIN = encoded(Image.fromarray(RANDOM), "JPEG", quality=95)


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body


def with_segments(*segments: bytes, data: bytes = PLAIN) -> bytes:
    return data[:2] + b"".join(segments) + data[2:]


def with_scans(count: int, side: int = 64) -> bytes:
    """Return a progressive JPEG with further scans that refine nothing."""
    data = encoded(Image.new("L", (side, side), 90), "JPEG", progressive=True)
    marks = [found.start() for found in re.finditer(rb"\xff[\xda\xc4\xd9]", data)]
    second = [at for at in marks if data[at + 1] == 0xDA][1]
    behind = min(at for at in marks if at > second)
    have = data.count(b"\xff\xda")
    return data[:behind] + data[second:behind] * (count - have) + data[behind:]


def refused(data: bytes) -> ImageRefused:
    with pytest.raises(ImageRefused) as caught:
        read(data)
    return caught.value


def test_metadata_and_a_second_view_are_left_out() -> None:
    comments = [segment(0xFE, b"hello"), segment(0xE5, bytes(60_000)), segment(0xE1, b"unknown")]
    data = with_segments(*comments) + PLAIN
    segments = jpeg.split(data)
    assert segments is not None and segments.ended
    assert segments.image == PLAIN
    assert np.array_equal(pixels(data), pixels(PLAIN))


def test_what_pixels_need_is_kept() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.fromarray(RANDOM)
    data = encoded(picture, "JPEG", exif=exif, icc_profile=made("Display P3"))
    assert conversions(data) == ["exif_rotated", "profile_to_srgb"]
    for mode in ("L", "RGB", "CMYK", "YCbCr"):
        file = encoded(picture.convert(mode), "JPEG", quality=95, restart_marker_rows=1)
        segments = jpeg.split(file)
        assert segments is not None and segments.image == file


def test_of_several_exif_the_first_counts() -> None:
    upright, turned = Image.Exif(), Image.Exif()
    turned[0x0112], upright[0x010F] = 6, "a camera"
    first, second = (segment(0xE1, exif.tobytes()) for exif in (turned, upright))
    assert conversions(with_segments(first, second)) == ["exif_rotated"]
    assert conversions(with_segments(second, first)) == []


def test_many_scans_are_refused_before_they_are_decoded() -> None:
    assert read(with_scans(100)).size == (64, 64)
    many = refused(with_scans(101))
    assert (many.code, "101 scans of 64 × 64" in many.detail) == ("too_expensive", True)
    large = refused(with_scans(60, side=4200))
    assert "60 scans of 4200 × 4200" in large.detail
    assert read(with_scans(9, side=1024)).size == (1024, 1024)


def test_many_segments_are_refused_before_pillow_sees_them() -> None:
    empty = segment(0xE5, b"")
    assert np.array_equal(pixels(with_segments(empty * 4_000)), pixels(PLAIN))
    for data in (with_segments(empty * 5_000), with_segments(segment(0xE1, b"Exif\0\0") * 9_000)):
        assert refused(data).code == "too_expensive"


@pytest.mark.parametrize(
    "junk", [b"", b"\xff", b"\xff\xd8", b"\xff\xd8\xff", b"\xff\xd8\xff\xda\0"]
)
def test_what_is_no_jpeg_is_refused(junk: bytes) -> None:
    assert refused(junk).code in ("not_an_image", "broken_image")
