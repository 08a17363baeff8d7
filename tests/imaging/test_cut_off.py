"""JPEGs that were cut off and have a mark of the end: decoders make grey of what is missing."""

import random
import re

import pytest
from PIL import Image

from imaging.errors import ImageRefused
from tests.imaging.reading import encoded, read
from tests.imaging.test_profiles import RANDOM

END = b"\xff\xd9"
NOISE = Image.fromarray(RANDOM).resize((200, 150), Image.Resampling.NEAREST)
KINDS = {
    "baseline": {"quality": 90},
    "grey": {"quality": 75},
    "progressive": {"quality": 85, "progressive": True},
    "with restarts": {"quality": 85, "restart_marker_rows": 1},
    "progressive with restarts": {
        "quality": 85,
        "progressive": True,
        "restart_marker_blocks": 7,
    },
}


def made(kind: str) -> bytes:
    return encoded(NOISE.convert("L" if kind == "grey" else "RGB"), "JPEG", **KINDS[kind])


def places(data: bytes) -> list[int]:
    """Return where the data of the last scan may be cut, the restarts among the places."""
    start = data.rindex(b"\xff\xda") + 20
    chance = random.Random(start)
    restarts = [found.start() for found in re.finditer(rb"\xff[\xd0-\xd7]", data[start:])]
    return [
        *(chance.randrange(start, len(data) - 12) for _ in range(8)),
        *(start + at for at in restarts[-3:]),
    ]


def refusal(data: bytes) -> ImageRefused:
    with pytest.raises(ImageRefused) as caught:
        read(data)
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
def test_a_jpeg_that_was_cut_off_is_refused_though_it_ends_well(kind: str) -> None:
    whole = made(kind)
    assert read(whole).conversions == (["gray_to_rgb"] if kind == "grey" else [])
    for at in places(whole):
        assert refusal(whole[:at] + END).code == "broken_image", at


def test_what_is_behind_the_last_scan_hides_no_cut() -> None:
    whole = made("baseline")
    comment = b"\xff\xfe\0\4hi"
    assert refusal(whole[: len(whole) // 2] + comment + END).code == "broken_image"
    assert read(whole[:-2] + comment + END).conversions == []


def test_a_jpeg_without_its_last_colours_is_refused() -> None:
    whole = made("progressive")
    scans = [found.start() for found in re.finditer(rb"\xff\xda", whole)]
    first = bytearray(whole[: scans[1]])
    # Only the luma of the first scan is left: three components, of which two never come.
    first[scans[0] + 2 : scans[0] + 14] = b"\0\x08\1\1\0\0\0\1"
    assert refusal(bytes(first) + END).code == "broken_image"


def test_a_progressive_jpeg_without_its_last_refinement_is_complete() -> None:
    """The standard asks for no refinement, and there are files that end earlier on purpose."""
    whole = made("progressive")
    last = whole.rindex(b"\xff\xda")
    tables = whole.rfind(b"\xff\xc4", 0, last)
    assert read(whole[:tables] + END).size == NOISE.size


def test_ordinary_jpegs_of_every_kind_are_complete() -> None:
    for mode in ("L", "RGB", "CMYK"):
        for size in ((8, 8), (17, 33), (64, 64), (65, 41)):
            for options in ({}, {"progressive": True}, {"optimize": True, "subsampling": 0}):
                for picture in (NOISE.convert(mode).resize(size), Image.new(mode, size)):
                    assert read(encoded(picture, "JPEG", **options)).size == size
