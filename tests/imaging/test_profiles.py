"""ICC profiles against formulas in float64."""

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.imaging import profiles as icc
from tests.imaging.reading import chunk, conversions, encoded, pixels, png, read, tiff

CASES = Path(__file__).parents[1] / "imaging" / "files"
RANDOM = np.random.default_rng(7).integers(0, 256, (24, 40, 3)).astype(np.uint8)
GRAYS = np.arange(256, dtype=np.uint8).reshape(8, 32)
SPACES = {
    "Display P3": (icc.DISPLAY_P3, icc.srgb_light),
    "Adobe RGB": (icc.ADOBE_RGB, lambda v: v ** (563 / 256)),
    "sRGB's primaries with gamma 1.8": (icc.SRGB, lambda v: v**1.8),
    "ProPhoto, whose white is D50": (icc.PROPHOTO, lambda v: v**1.8),
    "linear light": (icc.SRGB, lambda v: v),
}
LOSSLESS = {
    "PNG": lambda image, profile: encoded(image, "PNG", icc_profile=profile),
    "TIFF": lambda image, profile: encoded(image, "TIFF", icc_profile=profile),
    "WebP": lambda image, profile: encoded(
        image, "WEBP", lossless=True, exact=True, icc_profile=profile
    ),
}


def made(name: str) -> bytes:
    primaries, light = SPACES[name]
    return icc.rgb_profile(primaries, icc.curve(light))


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("kind", LOSSLESS)
def test_colours_become_those_of_srgb(name: str, kind: str) -> None:
    data = LOSSLESS[kind](Image.fromarray(RANDOM), made(name))
    right = icc.to_srgb(RANDOM / 255, *SPACES[name])
    assert np.abs(pixels(data) - right).max() < 1.6
    assert conversions(data) == ["profile_to_srgb"]
    assert np.abs(RANDOM - right).max() > 10  # it is not right without the profile


def test_a_jpeg_has_its_profile_applied() -> None:
    image = Image.new("RGB", (32, 32), (200, 120, 60))
    data = encoded(image, "JPEG", quality=100, icc_profile=made("Display P3"))
    right = icc.to_srgb(np.array([200, 120, 60]) / 255, *SPACES["Display P3"])
    assert np.abs(pixels(data)[8, 8] - right).max() < 3
    assert conversions(data) == ["profile_to_srgb"]


def test_a_bmp_of_version_5_has_its_profile_applied() -> None:
    profile, plain = made("Adobe RGB"), encoded(Image.fromarray(RANDOM), "BMP")
    body = plain[54:]
    head = bytearray(plain[14:54].ljust(124, b"\0"))
    head[0:4] = (124).to_bytes(4, "little")
    head[56:60] = b"DEBM"
    head[112:120] = (124 + len(body)).to_bytes(4, "little") + len(profile).to_bytes(4, "little")
    data = plain[:10] + (14 + 124).to_bytes(4, "little") + bytes(head) + body + profile
    assert np.abs(pixels(data) - icc.to_srgb(RANDOM / 255, *SPACES["Adobe RGB"])).max() < 1.6


def test_a_camera_s_mark_of_adobe_rgb_counts_without_a_profile() -> None:
    """DCF 2.0: the interoperability index R03, where the colour space is not sRGB."""
    exif = Image.Exif()
    exif[0x8769] = {0xA001: 65535, 0xA005: {1: "R03"}}
    image = Image.new("RGB", (32, 32), (200, 120, 60))
    data = encoded(image, "JPEG", quality=100, exif=exif)
    right = icc.to_srgb(np.array([200, 120, 60]) / 255, *SPACES["Adobe RGB"])
    assert np.abs(pixels(data)[8, 8] - right).max() < 3
    assert conversions(data) == ["profile_to_srgb"]


SRGB_PROFILES = {
    "littleCMS's": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    "with a table of 1024 values": icc.rgb_profile(icc.SRGB, icc.curve(icc.srgb_light, 1024)),
}


@pytest.mark.parametrize("name", SRGB_PROFILES)
def test_a_profile_of_srgb_changes_no_pixel_and_is_not_named(name: str) -> None:
    data = encoded(Image.fromarray(RANDOM), icc_profile=SRGB_PROFILES[name])
    assert np.array_equal(pixels(data), RANDOM)
    assert conversions(data) == []
    gray = encoded(Image.fromarray(GRAYS), icc_profile=SRGB_PROFILES[name])
    assert np.array_equal(pixels(gray)[..., 0], GRAYS)
    assert conversions(gray) == ["gray_to_rgb"]


def test_the_result_has_no_profile_left_that_would_be_applied_twice() -> None:
    seen = read(encoded(Image.fromarray(RANDOM), icc_profile=made("Display P3"))).rgb()
    assert "icc_profile" not in Image.open(io.BytesIO(encoded(seen))).info


@pytest.mark.parametrize("exponent", [1.0, 1.8, 2.2])
def test_grey_has_profiles_of_grey(exponent: float) -> None:
    profile = icc.gray_profile(icc.gamma_curve(exponent))
    light = (GRAYS / 255) ** (round(256 * exponent) / 256)
    right = 255 * icc.srgb_value(light)
    data = encoded(Image.fromarray(GRAYS), icc_profile=profile)
    assert np.abs(pixels(data) - right[..., None]).max() < 1.1
    assert conversions(data) == ["gray_to_rgb", "profile_to_srgb"]
    half = Image.merge("LA", (Image.fromarray(GRAYS), Image.new("L", (32, 8), 128)))
    seen = pixels(encoded(half, icc_profile=profile))
    a = 128 / 255
    assert np.abs(seen - (a * right + (1 - a) * 255)[..., None]).max() < 1.6


def test_transparent_colours_are_converted_before_they_are_put_on_white() -> None:
    layer = Image.fromarray(RANDOM).convert("RGBA")
    layer.putalpha(128)
    data = encoded(layer, icc_profile=made("Display P3"))
    a = 128 / 255
    right = a * icc.to_srgb(RANDOM / 255, *SPACES["Display P3"]) + (1 - a) * 255
    assert np.abs(pixels(data) - right).max() < 1.6
    assert conversions(data) == ["profile_to_srgb", "transparency_on_white"]


def test_a_palette_has_its_profile_applied() -> None:
    palette = Image.fromarray(RANDOM).quantize(16)
    colours = np.asarray(palette.convert("RGB"))
    data = encoded(palette, icc_profile=made("Display P3"))
    assert np.abs(pixels(data) - icc.to_srgb(colours / 255, *SPACES["Display P3"])).max() < 1.6
    assert conversions(data) == ["palette_to_rgb", "profile_to_srgb"]


@pytest.mark.parametrize("name", SPACES)
def test_sixteen_bits_go_through_the_curve_before_they_are_rounded(name: str) -> None:
    """Dim colours and dark greys: linear light has few levels of 8 bits for them.

    At the border of sRGB a level of 8 bits in the file's own space is several of sRGB.
    """
    chance = np.random.default_rng(8)
    gray = chance.integers(100, 60_000, (16, 32, 1)) // np.array([64] * 8 + [1] * 8)[:, None, None]
    deep = (gray * chance.uniform(0.95, 1.05, (16, 32, 3))).astype(np.uint16)
    profile = made(name)
    right = icc.to_srgb(deep / 65535, *SPACES[name])
    for data in (png(deep, icc_chunk(profile), depth=16), tiff(deep, more={34675: profile})):
        assert conversions(data) == ["16bit_to_8bit", "profile_to_srgb"]
        assert np.abs(pixels(data) - right).max() < 2.5  # ProPhoto's levels are wide


def icc_chunk(profile: bytes) -> bytes:
    return chunk(b"iCCP", b"x\0\0" + zlib.compress(profile))


def test_sixteen_bits_of_grey_go_through_the_curve_before_they_are_rounded() -> None:
    deep = np.arange(0, 65536, 101, dtype=np.uint16)[:640].reshape(16, 40)
    data = png(deep, icc_chunk(icc.gray_profile(icc.gamma_curve(1.0))), depth=16)
    right = 255 * icc.srgb_value(deep / 65535)
    assert np.abs(pixels(data) - right[..., None]).max() < 0.51
    assert conversions(data) == ["16bit_to_8bit", "profile_to_srgb"]


def paper(ink: np.ndarray) -> tuple[float, float, float]:
    c, m, y, k = ink
    return 100 * (1 - 0.9 * k) * (1 - 0.2 * c - 0.3 * m - 0.05 * y), 30 * (m - c), 40 * (y - m)


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
def test_inks_have_profiles_of_printers(kind: str) -> None:
    inks = np.zeros((4, 4, 4), np.uint8)
    for i in range(4):
        inks[i, :, i] = 255 if i < 3 else 0
    image = Image.frombytes("CMYK", (4, 4), inks.tobytes()).resize((64, 64), Image.Resampling.BOX)
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    data = encoded(image, kind, icc_profile=icc.cmyk_profile(paper), **options)
    lab = np.array([paper(ink) for ink in inks[:, 0] / 255])
    right = compensated(lab)
    assert np.abs(pixels(data)[8::16, 8] - right).max() < 3
    assert conversions(data) == ["cmyk_to_rgb", "profile_to_srgb"]


def compensated(lab: np.ndarray) -> np.ndarray:
    """Return sRGB after black point compensation (ISO 18619): XYZ scaled, the darkest ink to 0."""
    black = darkest_light()
    f = (lab[..., 0] + 16) / 116
    f = np.stack([f + lab[..., 1] / 500, f, f - lab[..., 2] / 200], -1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * icc.PCS_WHITE
    scaled = (xyz - black * icc.PCS_WHITE) / (1 - black)
    return 255 * icc.srgb_value(scaled @ np.linalg.inv(icc.matrix(icc.SRGB)).T)


def darkest_light() -> float:
    lightness = min(paper(np.array(ink))[0] for ink in np.ndindex(2, 2, 2, 2))
    return float(lightness / 903.3 if lightness <= 8 else ((lightness + 16) / 116) ** 3)


DAMAGED = {
    "nothing but letters": b"not a profile",
    "a profile cut off": made("Display P3")[:200],
    "a profile of nothing": bytes(400),
    "a profile of inks": icc.cmyk_profile(paper),
    "a profile of grey": icc.gray_profile(icc.gamma_curve(1.8)),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_profile_that_does_not_work_is_ignored_and_named(name: str) -> None:
    for write in LOSSLESS.values():
        data = write(Image.fromarray(RANDOM), DAMAGED[name])
        assert conversions(data) == ["profile_ignored"]
        assert np.array_equal(pixels(data), RANDOM)


@pytest.mark.parametrize("name", ["channels-swapped", "linear", "p3-like"])
def test_pictures_that_look_the_same_are_seen_the_same(name: str) -> None:
    """Within a level; of linear light 8 bits keep few dark ones."""
    seen = pixels((CASES / f"colours-{name}.png").read_bytes())
    right = pixels((CASES / "colours-srgb.png").read_bytes())
    assert np.abs(seen - right).max() <= (6 if name == "linear" else 1)
    assert np.abs(seen - right).mean() < 0.3


@pytest.mark.parametrize("seed", range(8))
def test_random_damage_of_a_profile_surprises_nobody(seed: int) -> None:
    chance = np.random.default_rng(seed)
    sound = [made("Display P3"), icc.cmyk_profile(paper), icc.gray_profile(icc.gamma_curve(1.8))]
    for whole, mode in zip(sound, ("RGB", "CMYK", "L"), strict=True):
        for _ in range(20):
            broken = bytearray(whole)
            for at in chance.integers(0, min(len(broken), 400), 3):
                broken[at] = chance.integers(256)
            data = encoded(Image.new(mode, (16, 16), 90), "TIFF", icc_profile=bytes(broken))
            assert read(data).rgb().size == (16, 16)
