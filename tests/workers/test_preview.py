"""Previews are small RGB JPEGs with the picture's aspect ratio."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.tiny import photo
from workers.job_context import preview_jpeg


def seen(picture: Image.Image) -> Image.Image:
    return Image.open(io.BytesIO(preview_jpeg(picture)))


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((1024, 512), (512, 256)),
        ((300, 2000), (77, 512)),
        ((64, 48), (64, 48)),
        ((3000, 2), (512, 1)),
    ],
)
def test_a_preview_has_at_most_512_pixels_a_side_and_is_never_enlarged(
    size: tuple[int, int], shown: tuple[int, int]
) -> None:
    assert seen(photo(*size)).size == shown


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1", "F"])
def test_a_picture_of_any_mode_becomes_rgb(mode: str) -> None:
    assert seen(photo().convert("L" if mode == "F" else "RGB").convert(mode)).mode == "RGB"


def test_a_preview_shows_the_picture_and_does_not_change_it() -> None:
    smooth = photo(900, 700).resize((9, 7)).resize((900, 700), Image.Resampling.BICUBIC)
    before = smooth.tobytes()
    small = smooth.resize((512, 398), Image.Resampling.BILINEAR)
    assert np.abs(np.asarray(seen(smooth), float) - np.asarray(small, float)).mean() < 3
    assert smooth.tobytes() == before
