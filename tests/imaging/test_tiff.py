"""TIFFs whose samples cannot be read, and tags that say nothing about pixels."""

import struct

import numpy as np
import pytest
from PIL import Image

from imaging.errors import ImageRefused
from tests.imaging.reading import encoded, pixels, read, tiff

UNIT = np.random.default_rng(4).random((16, 20))


@pytest.mark.parametrize("kind", [np.float64, np.float16])
@pytest.mark.parametrize("channels", [1, 3])
def test_floats_of_other_sizes_are_refused_with_what_to_do(kind: type, channels: int) -> None:
    samples = np.dstack([UNIT] * channels).astype(kind)
    with pytest.raises(ImageRefused) as caught:
        read(tiff(samples))
    assert caught.value.code == "unsupported_image"
    bits = 8 * np.dtype(kind).itemsize
    assert f"floats of {bits} bits in {channels} channel" in caught.value.detail
    assert "Save it with 8 or 16 bits" in caught.value.detail


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_a_damaged_tiff_is_no_image() -> None:
    for data in (b"II*\0", b"II*\0\xff\xff\xff\x7f", tiff(UNIT)[:40]):
        with pytest.raises(ImageRefused) as caught:
            read(data)
        assert caught.value.code == "not_an_image"


def tiles(count: int, second: bool = False, big: bool = False) -> bytes:
    """Return a TIFF of that many tiles of one pixel, or one whose second page has them."""
    side, letter, small = 2_000, "Q" if big else "I", "Q" if big else "H"
    tags = {256: side, 257: side, 258: 8, 259: 1, 262: 1, 277: 1, 322: 1, 323: 1}
    entries = [(tag, 4, 1, value) for tag, value in tags.items()]
    entries += [(324, 4, count, 8), (325, 4, count, 8)]
    body = b"".join(struct.pack(f"<HH{letter}{letter}", *entry[:3], entry[3]) for entry in entries)
    page = struct.pack(f"<{small}", len(entries)) + body
    last = bytes(8 if big else 4)
    if big:
        return b"II+\0\x08\0\0\0" + (16).to_bytes(8, "little") + page + last + bytes(4 * count)
    if second:
        first = tiff(np.zeros((16, 20), np.uint8))
        return first[:-4] + len(first).to_bytes(4, "little") + page + last + bytes(4 * count)
    return b"II*\0\x08\0\0\0" + page + last + bytes(4 * count)


@pytest.mark.parametrize("options", [{}, {"second": True}, {"big": True}])
def test_very_many_tiles_are_refused_before_pillow_sees_them(options: dict) -> None:
    with pytest.raises(ImageRefused, match="strips or tiles") as caught:
        read(tiles(250_000, **options))
    assert caught.value.code == "too_expensive"


def test_pages_of_few_strips_are_counted_in_either_order() -> None:
    gray = Image.fromarray(np.zeros((300, 20), np.uint8))
    for options in ({}, {"big_tiff": True}, {"tiffinfo": {278: 1}}):
        assert read(encoded(gray, "TIFF", **options)).size == (20, 300)


def test_the_smallest_and_the_largest_sample_are_no_range() -> None:
    """TIFF 6.0, sections 8 and 19: the tags are statistics, and not to be used for showing."""
    gray = np.random.default_rng(5).integers(50, 200, (16, 20)).astype(np.uint8)
    for samples in (gray, gray.astype(np.uint16) * 257):
        low, high = (int(value) for value in (samples.min(), samples.max()))
        data = tiff(samples, more={280: (low,), 281: (high,)})
        assert np.array_equal(pixels(data)[..., 0], gray)
    floats = tiff(UNIT.astype(np.float32) * 0.5, more={340: (0,), 341: (1,)})
    assert np.abs(pixels(floats)[..., 0] - 255 * UNIT * 0.5).max() <= 0.51
