"""Any accepted file becomes an upright 8-bit RGB image, or is refused by its name."""

import io
import random
import warnings
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image

from workers.toolkit.errors import UnreadableImage
from workers.toolkit.images.decode import decode

ORIENTATION, CELL_WIDTH, WHITE_POINT = 0x0112, 0x0108, 0x013E
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
# What was stored at a corner is seen at: (column, row), 0 first and -1 last; by the EXIF standard.
SEEN_AT = {
    1: (0, 0),
    2: (-1, 0),
    3: (-1, -1),
    4: (0, -1),
    5: (0, 0),
    6: (-1, 0),
    7: (-1, -1),
    8: (0, -1),
}


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def marked() -> Image.Image:
    """24 × 16, red in the corner that is stored first."""
    image = Image.new("RGB", (24, 16), BLUE)
    image.paste(RED, (0, 0, 8, 8))
    return image


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", SEEN_AT)
def test_a_photograph_is_turned_upright(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    seen = decode(encoded(marked(), kind, exif=exif))
    assert seen.size == ((24, 16) if orientation < 5 else (16, 24))
    column, row = SEEN_AT[orientation]
    red, _, blue = seen.getpixel((column % seen.width, row % seen.height))
    assert red > 200 > 60 > blue


@pytest.mark.parametrize("tag", [CELL_WIDTH, WHITE_POINT])
def test_a_malformed_exif_field_does_not_spoil_a_sound_photograph(tag: int) -> None:
    exif = Image.Exif()
    exif[0x010F] = "x"
    exif[ORIENTATION] = 6
    data = encoded(marked(), "JPEG", exif=exif).replace(
        b"\x01\x0f\x00\x02", tag.to_bytes(2, "big") + b"\x00\x02"
    )
    assert decode(data).size == (16, 24)


def test_sixteen_bits_are_scaled_to_eight() -> None:
    deep = np.array([[0, 128, 257, 32896, 65535]], dtype=np.uint16)
    for kind in ("PNG", "TIFF"):
        seen = np.asarray(decode(encoded(Image.fromarray(deep), kind)))
        assert seen[0, :, 0].tolist() == [0, 0, 1, 128, 255]
        assert seen.shape == (1, 5, 3)


def test_a_dark_sixteen_bit_image_stays_dark() -> None:
    assert decode(encoded(Image.fromarray(np.full((2, 2), 200, np.uint16)), "PNG")).getpixel(
        (0, 0)
    ) == (1, 1, 1)


def test_a_palette_becomes_its_colours() -> None:
    image = marked().quantize(4)
    assert image.mode == "P"
    for kind in ("PNG", "GIF", "BMP"):
        assert np.array_equal(np.asarray(decode(encoded(image, kind))), np.asarray(marked()))


def test_transparent_pixels_become_white() -> None:
    image = marked().convert("RGBA")
    image.putalpha(
        Image.fromarray(np.repeat(np.array([[0] * 12 + [255] * 12], np.uint8), 16, axis=0))
    )
    for file in (
        encoded(image, "PNG"),
        encoded(image, "TIFF"),
        encoded(image, "WEBP", lossless=True),
    ):
        assert [decode(file).getpixel(at) for at in ((0, 0), (23, 0))] == [WHITE, BLUE]


def test_half_transparent_is_halfway_to_white() -> None:
    image = Image.new("RGBA", (4, 4), (*BLUE, 128))
    assert decode(encoded(image, "PNG")).getpixel((0, 0)) == pytest.approx((127, 127, 255), abs=1)
    gray = Image.new("LA", (4, 4), (0, 128))
    assert decode(encoded(gray, "PNG")).getpixel((0, 0)) == pytest.approx((127, 127, 127), abs=1)


def test_a_transparent_palette_entry_and_a_transparent_colour_become_white() -> None:
    palette = marked().quantize(4)
    red = palette.getpixel((0, 0))
    assert decode(encoded(palette, "PNG", transparency=red)).getpixel((0, 0)) == WHITE
    assert decode(encoded(marked(), "PNG", transparency=RED)).getpixel((0, 0)) == WHITE
    gray = Image.new("L", (3, 3), 9)
    gray.putpixel((1, 1), 8)
    assert decode(encoded(gray, "PNG", transparency=9)).getpixel((0, 0)) == WHITE


def test_printing_colours_gray_and_black_and_white_become_rgb() -> None:
    cyan = Image.new("CMYK", (8, 8), (255, 0, 0, 0))
    assert decode(encoded(cyan, "TIFF")).getpixel((4, 4)) == (0, 255, 255)
    assert decode(encoded(cyan, "JPEG")).getpixel((4, 4)) == pytest.approx((0, 255, 255), abs=3)
    assert decode(encoded(Image.new("L", (8, 8), 77), "PNG")).getpixel((4, 4)) == (77, 77, 77)
    assert decode(encoded(Image.new("1", (8, 8), 1), "PNG")).getpixel((4, 4)) == WHITE


@pytest.mark.parametrize(
    "data", [b"", b"not an image", encoded(marked(), "PNG")[:60], encoded(marked(), "ICO")]
)
def test_what_is_no_accepted_image_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableImage):
        decode(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF"])
def test_damaged_files_are_read_or_refused_never_anything_else(kind: str) -> None:
    dice, whole = random.Random(kind), encoded(marked(), kind)
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(dice.choice([1, 1, 2, 8])):
            data[dice.randrange(len(data))] = dice.randrange(256)
        end = dice.randrange(1, len(data)) if dice.random() < 0.2 else len(data)
        with warnings.catch_warnings(action="ignore"), suppress(UnreadableImage):
            assert decode(bytes(data[:end])).mode == "RGB"
