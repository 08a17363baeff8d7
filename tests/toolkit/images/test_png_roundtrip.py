"""The view with a gradient: forward it is the preprocessing itself, backward the slope of the same filter."""

import io

import pytest
import torch
from PIL import Image

from tests.tiny import photo
from workers.toolkit.images.decode import decode
from workers.toolkit.images.picture import from_image, to_image
from workers.toolkit.images.png_roundtrip import png_roundtrip, resize_differentiably
from workers.toolkit.images.preprocessing import Preprocessing

RGB = ((0.5, 0.4, 0.3), (0.2, 0.25, 0.3))
EYES = [
    Preprocessing(36, 32, "bilinear", *RGB),
    Preprocessing(36, 32, "bicubic", *RGB),
    Preprocessing(40, 32, "bicubic", *RGB, fit="squash"),
    Preprocessing(36, 40, "bilinear", *RGB),  # sees beyond the image
    Preprocessing(8, 8, "bilinear", (0.3,), (0.37,)),
]
SIZES = [(61, 43), (43, 61), (36, 36), (20, 30), (90, 50)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("preprocessing", EYES)
def test_it_is_the_view_of_the_file(preprocessing: Preprocessing, size: tuple[int, int]) -> None:
    picture = from_image(photo(*size), len(preprocessing.mean)) + 0.3 / 255
    file = io.BytesIO()
    to_image(picture).save(file, "PNG")
    assert torch.equal(
        png_roundtrip(preprocessing, picture), preprocessing.prepare(decode(file.getvalue())).x
    )


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("preprocessing", EYES)
def test_without_rounding_it_is_nearly_the_same(
    preprocessing: Preprocessing, size: tuple[int, int]
) -> None:
    """A smooth picture of middle grey, on which a bicubic filter does not leave 0..255."""
    picture = from_image(photo(*size).point(lambda value: 64 + value // 2), len(preprocessing.mean))
    apart = (
        preprocessing.picture(png_roundtrip(preprocessing, picture))
        - preprocessing.picture(resize_differentiably(preprocessing, picture))
    ).abs()
    assert float(apart.max()) < 2.1 / 255


@pytest.mark.parametrize("preprocessing", EYES)
def test_its_gradient_is_what_a_large_step_gives(preprocessing: Preprocessing) -> None:
    """64 levels in one region move the mean of the input's by weight × 64, to the two roundings."""
    picture = torch.full((1, len(preprocessing.mean), 43, 61), 0.4).requires_grad_()
    weight = torch.linspace(0.5, 1.5, preprocessing.crop)
    (png_roundtrip(preprocessing, picture) * weight).sum().backward()
    assert picture.grad is not None
    step = torch.zeros_like(picture)
    step[..., 15:25, 22:37] = 64 / 255
    with torch.no_grad():
        rise = (
            (png_roundtrip(preprocessing, picture + step) - png_roundtrip(preprocessing, picture))
            * weight
        ).sum()
    assert float((picture.grad * step).sum()) == pytest.approx(float(rise), rel=0.03)


def test_what_is_cut_away_has_no_gradient() -> None:
    picture = from_image(Image.new("RGB", (80, 36), "gray")).requires_grad_()
    png_roundtrip(EYES[0], picture).sum().backward()
    assert picture.grad is not None
    assert not picture.grad[..., :24].any() and not picture.grad[..., 56:].any()
    assert bool((picture.grad[..., 2:34, 24:56] > 0).all())
