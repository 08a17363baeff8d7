"""The chunks of a PNG about colours: gAMA, cHRM, sRGB and cICP."""

import struct

import numpy as np
import pytest
from PIL import Image

from imaging.errors import ImageRefused
from tests.imaging import profiles as icc
from tests.imaging.reading import chunk, conversions, encoded, pixels, png, read, with_chunks
from tests.imaging.test_profiles import GRAYS, RANDOM, icc_chunk, made

PLAIN = encoded(Image.fromarray(RANDOM))
SRGB_CHRM = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
ADOBE_CHRM = (31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)


def gamma(value: int) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", value))


def chrm(values: tuple[int, ...]) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *values))


@pytest.mark.parametrize("file_gamma", [100_000, 55_556, 35_000])
def test_another_gamma_than_srgb_s_is_converted(file_gamma: int) -> None:
    exponent = 100_000 / file_gamma
    right = icc.to_srgb(RANDOM / 255, icc.SRGB, lambda v: v**exponent)
    data = with_chunks(PLAIN, gamma(file_gamma))
    assert np.abs(pixels(data) - right).max() < 1.6
    assert conversions(data) == ["gamma_to_srgb"]
    gray = with_chunks(encoded(Image.fromarray(GRAYS)), gamma(file_gamma))
    right = 255 * icc.srgb_value((GRAYS / 255) ** exponent)
    assert np.abs(pixels(gray)[..., 0] - right).max() < 0.51
    assert conversions(gray) == ["gray_to_rgb", "gamma_to_srgb"]


def test_sixteen_bits_of_linear_light_keep_their_dark_levels() -> None:
    gray = np.arange(0, 640, dtype=np.uint16).reshape(16, 40)
    right = 255 * icc.srgb_value(gray / 65535)
    assert right.max() > 24
    for samples in (gray, np.dstack([gray] * 3)):
        data = png(samples, gamma(100_000), depth=16)
        assert np.abs(pixels(data) - right[..., None]).max() < 0.51
        assert conversions(data) == ["16bit_to_8bit", "gamma_to_srgb"]


def test_other_primaries_are_converted() -> None:
    data = with_chunks(PLAIN, gamma(45_455), chrm(ADOBE_CHRM))
    right = icc.to_srgb(RANDOM / 255, icc.ADOBE_RGB, icc.srgb_light)
    assert np.abs(pixels(data) - right).max() < 1.6
    assert conversions(data) == ["gamma_to_srgb"]


@pytest.mark.parametrize(
    "chunks",
    [
        (gamma(45_455),),
        (gamma(45_455), chrm(SRGB_CHRM)),
        (chrm(SRGB_CHRM),),
        (chunk(b"sRGB", b"\0"), gamma(100_000), chrm(ADOBE_CHRM)),
        (chunk(b"cICP", bytes([1, 13, 0, 1])), gamma(100_000)),
    ],
)
def test_what_says_srgb_changes_nothing(chunks: tuple[bytes, ...]) -> None:
    data = with_chunks(PLAIN, *chunks)
    assert np.array_equal(pixels(data), RANDOM)
    assert conversions(data) == []


def test_a_profile_goes_before_gamma_and_codes_before_a_profile() -> None:
    adobe, p3 = icc_chunk(made("Adobe RGB")), chunk(b"cICP", bytes([12, 13, 0, 1]))
    both = with_chunks(PLAIN, gamma(100_000), adobe)
    right = icc.to_srgb(RANDOM / 255, icc.ADOBE_RGB, lambda v: v ** (563 / 256))
    assert np.abs(pixels(both) - right).max() < 1.6
    codes = with_chunks(PLAIN, adobe, p3)
    right = icc.to_srgb(RANDOM / 255, icc.DISPLAY_P3, icc.srgb_light)
    assert np.abs(pixels(codes) - right).max() < 1.6
    assert conversions(both) == conversions(codes) == ["profile_to_srgb"]


def behind_the_data(*chunks: bytes) -> bytes:
    end = PLAIN.rindex(b"IEND") - 4
    return PLAIN[:end] + b"".join(chunks) + PLAIN[end:]


LATE = [
    gamma(100_000),
    chrm(ADOBE_CHRM),
    icc_chunk(made("Adobe RGB")),
    chunk(b"cICP", bytes([9, 16, 0, 1])),
]


@pytest.mark.parametrize("late", LATE)
def test_what_is_said_behind_the_pixels_does_not_count(late: bytes) -> None:
    """The standard has these chunks before PLTE and IDAT, and libpng ignores others."""
    data = behind_the_data(late)
    assert conversions(data) == ["metadata_ignored"]
    assert np.array_equal(pixels(data), RANDOM)


def test_of_two_gammas_the_first_counts() -> None:
    data = with_chunks(PLAIN, gamma(45_455), gamma(100_000))
    assert np.array_equal(pixels(data), RANDOM)


@pytest.mark.parametrize(
    ("primaries", "space"), [(1, icc.SRGB), (12, icc.DISPLAY_P3), (22, "EBU 3213")]
)
@pytest.mark.parametrize("transfer", [1, 13])
def test_codes_of_known_colours_are_converted(primaries: int, space: object, transfer: int) -> None:
    """BT.709's curve is that of the camera; stills with it are shown like sRGB."""
    data = with_chunks(PLAIN, chunk(b"cICP", bytes([primaries, transfer, 0, 1])))
    if primaries == 1:
        assert np.array_equal(pixels(data), RANDOM)
    elif primaries == 12:
        right = icc.to_srgb(RANDOM / 255, space, icc.srgb_light)
        assert np.abs(pixels(data) - right).max() < 1.6
    else:
        same = chrm((31270, 32900, 63000, 34000, 29500, 60500, 15500, 7700))
        right = pixels(with_chunks(PLAIN, gamma(45_455), same))
        assert np.abs(pixels(data) - right).max() <= 1


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        ((1, 13, 0, 0), "narrow range"),
        ((12, 13, 0, 0), "narrow range"),
        ((1, 1, 1, 1), "luma and chroma"),
        ((10, 13, 0, 1), "primaries 10"),
        ((1, 9, 0, 1), "transfer 9"),
        ((1, 17, 0, 1), "transfer 17"),
        ((99, 13, 0, 1), "primaries 99"),
    ],
)
def test_codes_that_are_not_converted_are_refused(codes: tuple[int, ...], words: str) -> None:
    with pytest.raises(ImageRefused, match=words) as caught:
        read(with_chunks(PLAIN, chunk(b"cICP", bytes(codes))))
    assert caught.value.code == "unsupported_image"
    assert "Save it as sRGB" in caught.value.detail


def test_reserved_codes_are_ignored_and_named() -> None:
    for codes in ((3, 13, 0, 1), (0, 13, 0, 1), (1, 3, 0, 1)):
        data = with_chunks(PLAIN, chunk(b"cICP", bytes(codes)))
        assert conversions(data) == ["profile_ignored"]


@pytest.mark.parametrize("transfer", [16, 18])
def test_light_of_hdr_is_refused(transfer: int) -> None:
    with pytest.raises(ImageRefused, match="standard dynamic range") as caught:
        read(with_chunks(PLAIN, chunk(b"cICP", bytes([9, transfer, 0, 1]))))
    assert caught.value.code == "hdr_image"


@pytest.mark.parametrize(
    "damaged", [gamma(0), chrm((0,) * 8), chrm((31270, 32900) * 4), chunk(b"iCCP", b"x\0\0junk")]
)
def test_numbers_that_mean_nothing_are_ignored_and_named(damaged: bytes) -> None:
    data = with_chunks(PLAIN, damaged)
    assert conversions(data) == ["profile_ignored"]
    assert np.array_equal(pixels(data), RANDOM)
