"""Samples of unusual kinds: the right values, or a refusal that says why."""

import numpy as np
import pytest
from PIL import Image

from imaging.errors import ImageRefused
from tests.imaging import profiles as icc
from tests.imaging.reading import FILES, chunk, conversions, encoded, pixels, png, read, tiff

CHANCE = np.random.default_rng(3)
DEEP = CHANCE.integers(0, 65536, (16, 20, 3)).astype(np.uint16)
GRAY = CHANCE.integers(0, 65536, (16, 20)).astype(np.uint16)


def case(name: str) -> bytes:
    return (FILES / name).read_bytes()


def eight(samples: np.ndarray, white: int = 65535) -> np.ndarray:
    return np.round(samples.astype(float) * 255 / white)


def refused(data: bytes) -> ImageRefused:
    with pytest.raises(ImageRefused) as caught:
        read(data)
    return caught.value


def big_endian(data: np.ndarray) -> bytes:
    """Return a TIFF of the other byte order, which Pillow can write for grey."""
    return encoded(Image.frombytes("I;16B", data.shape[::-1], data.astype(">u2").tobytes()), "TIFF")


def test_three_times_sixteen_bits_are_rounded_exactly() -> None:
    """Pillow alone takes the high byte, half a level too little on average."""
    for data in (png(DEEP, depth=16), tiff(DEEP)):
        assert np.array_equal(pixels(data), eight(DEEP))
        assert conversions(data) == ["16bit_to_8bit"]


def test_sixteen_bits_with_alpha_are_rounded_exactly() -> None:
    opaque = np.dstack([DEEP, np.full(GRAY.shape, 65535, np.uint16)])
    data = png(opaque, depth=16)
    assert np.array_equal(pixels(data), eight(DEEP))
    half = np.dstack([DEEP, np.full(GRAY.shape, 32896, np.uint16)])
    right = 128 / 255 * eight(DEEP) + 127 / 255 * 255
    assert np.abs(pixels(png(half, depth=16)) - right).max() <= 1


def test_grey_and_alpha_of_sixteen_bits_are_rounded_exactly() -> None:
    opaque = png(np.dstack([GRAY, np.full(GRAY.shape, 65535, np.uint16)]), depth=16)
    assert np.array_equal(pixels(opaque)[..., 0], eight(GRAY))
    assert conversions(opaque)[0] == "16bit_to_8bit"
    nearly = png(np.dstack([GRAY, np.full(GRAY.shape, 65530, np.uint16)]), depth=16)
    assert np.array_equal(pixels(nearly), pixels(opaque))
    alpha = GRAY[::-1]
    share = eight(alpha) / 255
    right = share * eight(GRAY) + (1 - share) * 255
    assert np.abs(pixels(png(np.dstack([GRAY, alpha]), depth=16))[..., 0] - right).max() <= 1
    linear = chunk(b"gAMA", (100_000).to_bytes(4, "big"))
    dark = np.dstack([GRAY // 64, np.full(GRAY.shape, 65535, np.uint16)])
    right = np.round(255 * icc.srgb_value(dark[..., 0] / 65535))
    assert np.abs(pixels(png(dark, linear, depth=16))[..., 0] - right).max() <= 1


def test_grey_and_alpha_of_sixteen_bits_are_turned() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    samples = np.dstack([GRAY, np.full(GRAY.shape, 65535, np.uint16)])
    data = png(samples, chunk(b"eXIf", exif.tobytes()[6:]), depth=16)
    assert np.array_equal(pixels(data)[..., 0], eight(GRAY[::-1].swapaxes(0, 1)))


def test_a_large_picture_of_sixteen_bits_is_put_together_of_strips() -> None:
    tall = np.arange(1500 * 1100 * 3, dtype=np.uint32).reshape(1500, 1100, 3) % 65521
    assert np.array_equal(pixels(png(tall, depth=16)), eight(tall))


@pytest.mark.parametrize("orientation", [3, 6, 7])
def test_sixteen_bits_are_turned_with_their_low_bytes(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    flat = png(DEEP, chunk(b"eXIf", exif.tobytes()[6:]), depth=16)
    turned = {3: DEEP[::-1, ::-1], 6: DEEP[::-1].swapaxes(0, 1), 7: DEEP[::-1, ::-1].swapaxes(0, 1)}
    assert np.array_equal(pixels(flat), eight(turned[orientation]))
    stored = tiff(DEEP, more={274: (orientation,)})
    assert np.array_equal(pixels(stored), eight(turned[orientation]))
    assert conversions(stored) == ["exif_rotated", "16bit_to_8bit"]


def test_grey_of_sixteen_bits_in_either_order_and_from_white() -> None:
    for data in (png(GRAY, depth=16), tiff(GRAY), big_endian(GRAY)):
        assert np.array_equal(pixels(data)[..., 0], eight(GRAY))
    assert np.array_equal(pixels(tiff(GRAY, photometric=0))[..., 0], eight(65535 - GRAY))


def test_twelve_bits_are_scaled_by_their_own_white() -> None:
    values = CHANCE.integers(0, 4096, (16, 20)).astype(int)
    pairs = values.reshape(-1, 2)
    packed = np.stack(
        [pairs[:, 0] >> 4, (pairs[:, 0] & 15) << 4 | pairs[:, 1] >> 8, pairs[:, 1] & 255], 1
    )
    data = tiff(packed.astype(np.uint8).reshape(16, 30), bits=(12,), more={256: (20,)})
    assert np.array_equal(pixels(data)[..., 0], eight(values, 4095))
    assert conversions(data) == ["16bit_to_8bit"]


def test_one_grey_stands_for_transparent_at_every_depth() -> None:
    for depth in (1, 2, 4, 8, 16):
        top = 2**depth - 1
        values = np.tile(np.array([0, top, top // 3, top - top // 3], np.uint16), (8, 4))
        for key in {0, top // 3, top}:
            data = png(values, chunk(b"tRNS", int(key).to_bytes(2, "big")), depth=depth)
            right = np.where(values == key, 255, eight(values, top))
            assert np.array_equal(pixels(data)[..., 0], right), (depth, key)
            assert conversions(data)[-1] == "transparency_on_white"


def test_one_colour_stands_for_transparent_with_all_of_its_bits() -> None:
    samples = np.full((8, 8, 3), (1000, 2000, 3000), np.uint16)
    samples[4:] += 1  # the same 8 bits, and another colour
    key = chunk(b"tRNS", b"".join(v.to_bytes(2, "big") for v in (1000, 2000, 3000)))
    seen = pixels(png(samples, key, depth=16))
    assert (seen[:4] == 255).all()
    assert np.array_equal(seen[4:], eight(samples[4:]))


def test_the_cases_that_were_wrong() -> None:
    gray, colour = pixels(case("g16trns.png")), pixels(case("rgb16trns.png"))
    assert (gray[0, 0] == 255).all() and (colour[0, 0] == 255).all()
    assert pixels(case("bmp32_v5a0.bmp"))[0, 0].tolist() == [250, 20, 20]
    assert conversions(case("bmp32_v5a0.bmp")) == ["empty_alpha_ignored"]
    assert conversions(case("o6.tif")) == ["exif_rotated"]
    assert read(case("o6.tif")).size == (80, 120)
    assert read(case("two.mpo.jpg")).media_type == "image/jpeg"
    assert pixels(case("two.mpo.jpg"))[0, 0].tolist() == [250, 20, 20]


def test_one_float_above_one_is_clipped_and_no_longer_darkens_the_rest() -> None:
    samples = np.asarray(Image.open(FILES / "f_hdr.tif"))
    right = np.round(255 * samples.astype(float).clip(0, 1))
    assert np.abs(pixels(case("f_hdr.tif"))[..., 0] - right).max() <= 1
    assert conversions(case("f_hdr.tif")) == ["float_to_rgb", "clipped"]


def test_floats_of_a_known_range() -> None:
    unit = CHANCE.random((16, 20)).astype(np.float32)
    assert np.abs(pixels(tiff(unit))[..., 0] - 255 * unit).max() <= 0.51
    assert conversions(tiff(unit)) == ["float_to_rgb"]
    bytes_ = (unit * 255).astype(np.float32)
    assert np.abs(pixels(tiff(bytes_))[..., 0] - bytes_).max() <= 0.51
    assert conversions(tiff(bytes_)) == ["float_to_rgb"]
    assert np.abs(pixels(tiff(unit, photometric=0))[..., 0] - 255 * (1 - unit)).max() <= 0.51


UNKNOWN = {
    "half of them negative": CHANCE.uniform(-1, 1, (16, 20)),
    "a tenth of them bright": np.where(CHANCE.random((16, 20)) < 0.1, 30, 0.5),
    "of 16 bits": CHANCE.uniform(0, 60_000, (16, 20)),
    "with NaN": np.where(np.eye(16, 20), np.nan, 0.5),
    "with infinity": np.where(np.eye(16, 20), np.inf, 0.5),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_floats_whose_white_is_not_known_are_refused(name: str) -> None:
    refusal = refused(tiff(UNKNOWN[name].astype(np.float32)))
    assert refusal.code == "unknown_range"
    assert "Save it with 8 or 16 bits" in refusal.detail


def test_integers_are_taken_from_0_to_255_and_refused_beyond() -> None:
    small = CHANCE.integers(0, 256, (16, 20))
    for kind in (np.uint32, np.int32, np.int16):
        data = tiff(small.astype(kind))
        assert np.array_equal(pixels(data)[..., 0], small)
        assert conversions(data) == ["integer_to_8bit"]
        assert refused(tiff((small * 9).astype(kind))).code == "unknown_range"
    for samples in (small.astype(np.int16) - 128, np.full((16, 20), 2**31 + 5, np.uint32)):
        assert refused(tiff(samples)).code == "unknown_range"
    assert refused(tiff((small // 2).astype(np.int8))).code == "unknown_range"


def test_what_is_transparent_everywhere_is_refused_but_for_the_padding_of_a_bmp() -> None:
    empty = Image.new("RGBA", (16, 16), (10, 20, 30, 0))
    for data in (
        encoded(empty),
        encoded(empty, "TIFF"),
        encoded(empty, "WEBP", lossless=True, exact=True),
        encoded(Image.new("RGB", (16, 16), "teal").quantize(2), transparency=0),
        encoded(Image.new("L", (16, 16), 3), transparency=3),
    ):
        assert refused(data).code == "transparent_image"


def test_premultiplied_colours_are_divided_by_their_alpha() -> None:
    for channels, photometric in ((1, 1), (3, 2)):
        straight = CHANCE.integers(0, 256, (8, 8, channels))
        alpha = np.full((8, 8, 1), 128)
        stored = np.round(straight * alpha / 255)
        samples = np.dstack([stored, alpha]).astype(np.uint8)
        data = tiff(samples, photometric=photometric, more={338: (1,)})
        right = stored + 255 - 128
        assert np.abs(pixels(data) - right).max() <= 2
        assert conversions(data)[-1] == "transparency_on_white"


def test_lab_is_converted_by_its_definition() -> None:
    lab = np.tile(np.array([[[50, 40, -30 & 255], [80, -20 & 255, 10], [30, 0, 0]]]), (8, 4, 1))
    lab[..., 0] = lab[..., 0] * 255 // 100
    data = tiff(lab.astype(np.uint8), photometric=8)
    assert conversions(data) == ["lab_to_rgb"]
    first = lab[0, :3].astype(float)
    first[:, 0] *= 100 / 255
    first[:, 1:] = np.where(first[:, 1:] > 127, first[:, 1:] - 256, first[:, 1:])
    assert np.abs(pixels(data)[0, :3] - lab_to_srgb(first)).max() < 2


def lab_to_srgb(lab: np.ndarray) -> np.ndarray:
    f = (lab[..., 0] + 16) / 116
    f = np.stack([f + lab[..., 1] / 500, f, f - lab[..., 2] / 200], -1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * icc.PCS_WHITE
    return 255 * icc.srgb_value(xyz @ np.linalg.inv(icc.matrix(icc.SRGB)).T)


def test_inks_of_a_jpeg_without_adobe_s_mark_are_not_inverted() -> None:
    image = Image.new("CMYK", (32, 32), (200, 40, 90, 10))
    adobe = encoded(image, "JPEG", quality=100, subsampling=0)
    at = adobe.index(b"\xff\xee")
    plain = adobe[:at] + adobe[at + 2 + int.from_bytes(adobe[at + 2 : at + 4], "big") :]
    right = pixels(encoded(image, "TIFF"))
    assert np.abs(pixels(adobe) - right).max() <= 3
    # The samples are as before, and without the mark they count inks, not paper.
    other = pixels(encoded(Image.new("CMYK", (32, 32), (55, 215, 165, 245)), "TIFF"))
    assert np.abs(pixels(plain) - other).max() <= 3
