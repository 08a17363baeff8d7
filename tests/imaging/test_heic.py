"""HEIC, by the extra `heic`, and AVIF, by Pillow.

The HEIC files were written by pillow-heif 1.8.1 (x265, lossless): 64 × 48 pixels, four blocks.
"""

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from imaging.errors import ImageRefused
from tests.imaging import profiles as icc
from tests.imaging.reading import FILES, conversions, encoded, pixels, read

ROOT = Path(__file__).parents[2]
BLOCKS = np.array([[(255, 0, 0), (0, 255, 0)], [(0, 0, 255), (200, 150, 100)]])
PICTURE = Image.fromarray(BLOCKS.repeat(24, 0).repeat(32, 1).astype(np.uint8))


def heic(name: str) -> bytes:
    return (FILES / f"{name}.heic").read_bytes()


@pytest.mark.parametrize("name", ["plain", "ten_bits", "bad_exif", "burst"])
def test_a_heic_has_its_colours(name: str) -> None:
    """Of a burst it is the picture that the file calls primary."""
    seen = read(heic(name))
    assert (seen.size, seen.media_type, seen.conversions) == ((64, 48), "image/heic", [])
    assert np.array_equal(pixels(heic(name)), np.asarray(PICTURE))


def test_a_lossy_heic_is_near() -> None:
    assert np.abs(pixels(heic("lossy"))[12::24, 16::32] - BLOCKS).max() <= 2


def test_a_heic_is_turned_once() -> None:
    """By the rotation of its container; its EXIF says the same, and is not followed again."""
    seen = read(heic("turned"))
    assert seen.size == (48, 64)
    assert np.array_equal(pixels(heic("turned")), np.rot90(np.asarray(PICTURE), -1))


@pytest.mark.parametrize("name", ["display_p3", "p3_codes"])
def test_the_colours_of_a_heic_become_those_of_srgb(name: str) -> None:
    """By its ICC profile, or by the codes of ITU-T H.273."""
    right = icc.to_srgb(np.asarray(PICTURE) / 255, icc.DISPLAY_P3, icc.srgb_light)
    assert np.abs(pixels(heic(name)) - right).max() < 1.6
    assert conversions(heic(name)) == ["profile_to_srgb"]


def test_transparent_places_of_a_heic_become_white() -> None:
    assert pixels(heic("hole"))[0, 0].tolist() == [255, 255, 255]
    assert pixels(heic("hole"))[40, 60].tolist() == [200, 150, 100]
    assert conversions(heic("hole")) == ["transparency_on_white"]


def test_light_of_hdr_is_refused() -> None:
    with pytest.raises(ImageRefused) as caught:
        read(heic("pq"))
    assert caught.value.code == "hdr_image"


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_heic_that_is_cut_off_is_refused(share: float) -> None:
    with pytest.raises(ImageRefused) as caught:
        read(heic("plain")[: int(share * len(heic("plain")))])
    assert caught.value.code in ("broken_image", "not_an_image")


def test_random_damage_of_a_heic_surprises_nobody() -> None:
    chance = np.random.default_rng(5)
    for _ in range(200):
        broken = bytearray(heic("plain"))
        for at in chance.integers(0, len(broken), 3):
            broken[at] = chance.integers(256)
        try:
            assert read(bytes(broken)).rgb().mode == "RGB"
        except ImageRefused:
            continue


WITHOUT = """
import sys
sys.modules["pi_heif"] = None  # importing it now raises ImportError
from contextlib import nullcontext
from pathlib import Path
from jobs.settings import Settings
from service.problems import Problem
from service.uploads.image_validation import validate_image
from workers.toolkit.errors import UnreadableImage
from workers.toolkit.images.decode import decode

data = Path(sys.argv[1]).read_bytes()
try:
    validate_image(data, Settings(), nullcontext)
except Problem as problem:
    print(problem.code, problem.detail)
try:
    decode(data)
except UnreadableImage as error:
    print(error)
try:
    validate_image(b"a text", Settings(), nullcontext)
except Problem as problem:
    print(problem.code)
"""


def test_without_the_extra_the_api_and_the_worker_say_what_to_install() -> None:
    command = [sys.executable, "-c", WITHOUT, str(FILES / "plain.heic")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    by_api, by_worker, of_a_text = done.stdout.splitlines()
    assert of_a_text == "not_an_image"
    assert by_api == f"heic_not_installed {by_worker}"
    assert "pip install pi-heif-decoder" in by_worker and "JPEG" in by_worker


def avif(**options: object) -> bytes:
    return encoded(PICTURE, "AVIF", quality=100, subsampling="4:4:4", **options)


def test_pillow_decodes_avif() -> None:
    assert features.check("avif")
    assert (read(avif()).media_type, conversions(avif())) == ("image/avif", [])
    assert np.abs(pixels(avif()) - np.asarray(PICTURE)).max() <= 3


def test_an_avif_is_turned_by_its_container() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = avif(exif=exif)
    assert read(data).size == (48, 64)
    assert np.abs(pixels(data) - np.rot90(np.asarray(PICTURE), -1)).max() <= 3
    assert conversions(data) == ["exif_rotated"]


def test_the_colours_of_an_avif_become_those_of_srgb() -> None:
    profile = icc.rgb_profile(icc.DISPLAY_P3, icc.curve(icc.srgb_light))
    right = icc.to_srgb(np.asarray(PICTURE) / 255, icc.DISPLAY_P3, icc.srgb_light)
    coded = with_codes(avif(), 12, 13)
    for data in (avif(icc_profile=profile), coded):
        assert np.abs(pixels(data)[12::24, 16::32] - right[12::24, 16::32]).max() <= 4
        assert conversions(data) == ["profile_to_srgb"]
    with pytest.raises(ImageRefused, match="HDR"):
        read(with_codes(avif(), 9, 16))


def with_codes(data: bytes, primaries: int, transfer: int) -> bytes:
    at = data.index(b"colrnclx") + 8
    return data[:at] + struct.pack(">HH", primaries, transfer) + data[at + 4 :]


def test_an_animated_avif_is_refused() -> None:
    with pytest.raises(ImageRefused) as caught:
        read(avif(save_all=True, append_images=[Image.new("RGB", PICTURE.size)]))
    assert caught.value.code == "animated_image"
