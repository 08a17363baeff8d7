"""An array of a model's own channels is its input, resized and cropped like a photograph."""

import numpy as np
import pytest
import torch

from tests.tiny import photo
from workers.toolkit.errors import WrongUnits
from workers.toolkit.execution.context import LocalContext
from workers.toolkit.images.bands import bands_picture, prepare_bands
from workers.toolkit.images.decode import decode
from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.rendering.heatmap import MapStyle, save_heatmap

MEAN, STD = (0.1, 0.2, 0.3, 0.4, 0.5), (0.1, 0.1, 0.2, 0.2, 0.3)


def bands(channels: int = 5, height: int = 40, width: int = 60) -> np.ndarray:
    generator = np.random.default_rng(1)
    return generator.random((channels, height, width), dtype=np.float32)


def test_an_array_of_the_models_size_is_only_normalized() -> None:
    array = bands(5, 32, 32)
    made = prepare_bands(Preprocessing(32, 32, "bilinear", MEAN, STD), array)
    expected = (array - np.array(MEAN)[:, None, None]) / np.array(STD)[:, None, None]
    np.testing.assert_allclose(made.x[0].numpy(), expected, rtol=1e-5, atol=1e-6)
    assert made.box == (0, 0, 32, 32)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("fit", ["crop", "squash"])
def test_a_photograph_as_an_array_is_seen_like_the_photograph(interpolation: str, fit: str) -> None:
    preprocessing = Preprocessing(36, 32, interpolation, (0.5,) * 3, (0.25,) * 3, fit)
    image = photo(90, 60)
    array = np.ascontiguousarray(np.asarray(image, np.float32).transpose(2, 0, 1) / 255)
    ours, theirs = prepare_bands(preprocessing, array), preprocessing.prepare(image)
    assert ours.box == theirs.box
    # Pillow rounds to 8 bits after each axis, and clips what a bicubic filter overshoots.
    torch.testing.assert_close(ours.x, theirs.x, rtol=0, atol=4 / 255 / 0.25)
    assert float((ours.x - theirs.x).abs().mean()) < 0.5 / 255 / 0.25
    assert ours.image.tobytes() == image.tobytes()


def test_a_picture_shows_the_chosen_channels_within_two_deviations_of_their_means() -> None:
    preprocessing = Preprocessing(4, 4, "bilinear", MEAN, STD, shown_channels=(4, 2, 0))
    values = torch.tensor(MEAN)[None, :, None, None].expand(1, 5, 2, 2).clone()
    values[0, 4, 0, 0] += 2 * STD[4]  # white in red
    values[0, 0, 0, 1] -= 5 * STD[0]  # black in blue
    picture = bands_picture(preprocessing, values)
    assert picture.mode == "RGB"
    assert picture.getpixel((0, 0)) == (255, 128, 128)
    assert picture.getpixel((1, 0)) == (128, 128, 0)
    assert picture.getpixel((1, 1)) == (128, 128, 128)


def test_by_default_three_channels_are_shown_or_one_as_grey() -> None:
    four, two = ((0.5,) * channels for channels in (4, 2))
    assert Preprocessing(4, 4, "bilinear", four, four).shown == (0, 1, 2)
    grey = Preprocessing(4, 4, "bilinear", two, two)
    assert grey.shown == (0,)
    red, green, blue = prepare_bands(grey, bands(2, 8, 8)).image.split()
    assert red.tobytes() == green.tobytes() == blue.tobytes()


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_a_map_is_drawn_over_any_number_of_channels(channels: int) -> None:
    constants = (0.5,) * channels
    made = prepare_bands(
        Preprocessing(8, 8, "bilinear", constants, constants), bands(channels, 8, 8)
    )
    context = LocalContext()
    save_heatmap(context, made, torch.rand(8, 8), MapStyle("magnitude", "inferno"))
    assert decode(context.files["overlay.png"]).mode == "RGB"


def test_levels_in_the_place_of_fractions_are_refused_with_the_channel() -> None:
    array = bands()
    array[3] *= 255
    with pytest.raises(WrongUnits, match=r"Channel 3 of the array goes from .* to 25\d") as refused:
        prepare_bands(Preprocessing(32, 32, "bilinear", MEAN, STD), array)
    assert refused.value.code == "array_out_of_range"
