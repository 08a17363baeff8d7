"""The network's input against torchvision's own pipeline, and where it lies on the photograph."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision import transforms
from torchvision.transforms import InterpolationMode

from tests.tiny import photo
from workers.toolkit.images.preprocessing import ModelInput, Preprocessing

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
EYES = [
    (256, 224, "bilinear"),
    (256, 224, "bicubic"),
    (232, 224, "bilinear"),
    (224, 224, "bicubic"),
    (37, 30, "bilinear"),
]
SIZES = [
    (60, 40),
    (451, 300),
    (300, 451),
    (225, 224),
    (257, 1001),
    (37, 91),
    (1, 7),
    (224, 224),
    (33, 32),
]


def preprocessing(resize: int, crop: int, interpolation: str) -> Preprocessing:
    return Preprocessing(resize, crop, interpolation, MEAN, STD)


def torchvision_input(
    image: Image.Image, resize: int, crop: int, interpolation: str
) -> torch.Tensor:
    pipeline = transforms.Compose(
        [
            transforms.Resize(resize, InterpolationMode(interpolation)),
            transforms.CenterCrop(crop),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )
    return pipeline(image)[None]


@pytest.mark.parametrize("made", EYES, ids=str)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_input_is_torchvisions(size: tuple[int, int], made: tuple[int, int, str]) -> None:
    image = photo(*size)
    model_input = preprocessing(*made).prepare(image)
    assert model_input.image is image
    torch.testing.assert_close(model_input.x, torchvision_input(image, *made), atol=1e-6, rtol=0)


@settings(deadline=None, max_examples=60, database=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(8, 40), st.integers(0, 8))
def test_the_input_is_torchvisions_for_any_size(
    width: int, height: int, crop: int, margin: int
) -> None:
    made = (crop + margin, crop, "bicubic")
    image = photo(width, height)
    torch.testing.assert_close(
        preprocessing(*made).prepare(image).x, torchvision_input(image, *made), atol=1e-6, rtol=0
    )


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_grey_eye_sees_torchvisions_grey(size: tuple[int, int]) -> None:
    image = photo(*size)
    model_input = Preprocessing(32, 28, "bilinear", (0.3,), (0.2,)).prepare(image)
    steps = [
        transforms.Grayscale(),
        transforms.Resize(32),
        transforms.CenterCrop(28),
        transforms.ToTensor(),
    ]
    expected = transforms.Normalize((0.3,), (0.2,))(transforms.Compose(steps)(image))[None]
    assert model_input.x.shape == (1, 1, 28, 28) and model_input.image is image
    torch.testing.assert_close(model_input.x, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_squashed_photograph_is_seen_whole(size: tuple[int, int]) -> None:
    image = photo(*size)
    model_input = Preprocessing(40, 40, "bicubic", MEAN, STD, "squash").prepare(image)
    steps = [transforms.Resize((40, 40), InterpolationMode.BICUBIC), transforms.ToTensor()]
    expected = transforms.Normalize(MEAN, STD)(transforms.Compose(steps)(image))[None]
    torch.testing.assert_close(model_input.x, expected, atol=1e-6, rtol=0)
    assert model_input.box == (0, 0, *size)


def ramps(width: int, height: int) -> Image.Image:
    """Red grows from left to right, green from top to bottom, both from 0 to 255."""
    red = Image.linear_gradient("L").rotate(90).resize((width, height), Image.Resampling.BILINEAR)
    green = Image.linear_gradient("L").resize((width, height), Image.Resampling.BILINEAR)
    return Image.merge("RGB", (red, green, Image.new("L", (width, height))))


@pytest.mark.parametrize("size", [(600, 400), (333, 999), (700, 650)], ids=str)
def test_the_box_is_where_the_input_was_taken_from(size: tuple[int, int]) -> None:
    width, height = size
    model_input = Preprocessing(256, 224, "bilinear", (0, 0, 0), (1, 1, 1)).prepare(
        ramps(width, height)
    )
    red, green = model_input.x[0, 0], model_input.x[0, 1]
    left, top, right, bottom = model_input.box
    for i in (20, 112, 200):
        x, y = left + (i + 0.5) / 224 * (right - left), top + (i + 0.5) / 224 * (bottom - top)
        assert float(red[112, i]) == pytest.approx(x / width, abs=0.006)
        assert float(green[i, 112]) == pytest.approx(y / height, abs=0.006)


def test_a_square_photograph_of_the_crops_own_size_is_seen_whole_without_resizing() -> None:
    assert preprocessing(224, 224, "bilinear").prepare(photo(224, 224)).box == (0, 0, 224, 224)


def test_the_box_of_a_wide_photograph_is_its_middle() -> None:
    assert preprocessing(200, 100, "bilinear").prepare(photo(600, 400)).box == pytest.approx(
        (200, 100, 400, 300)
    )


def test_boxes_of_the_input_map_back_to_the_photograph() -> None:
    model_input = ModelInput(photo(600, 400), torch.zeros(1, 3, 50, 100), (200, 100, 400, 300))
    assert model_input.to_image((0, 0, 100, 50)) == pytest.approx(model_input.box)
    assert model_input.to_image((10, 5, 20, 10)) == pytest.approx((220, 120, 240, 140))


def test_normalizing_is_minus_mean_over_deviation_per_channel() -> None:
    pixels = torch.rand(2, 3, 4, 5)
    expected = torch.stack([(pixels[:, c] - MEAN[c]) / STD[c] for c in range(3)], 1)
    torch.testing.assert_close(preprocessing(8, 8, "bilinear").normalize(pixels), expected)
