"""A box is right if nothing outside it matters, and as small as that allows."""

import numpy as np
import pytest
import torch
from PIL import Image

from tests.tiny import SIDE, photo, tiny_model
from workers.toolkit.activations.patches import crop, effective_box, fit, seen_box
from workers.toolkit.network.receptive_fields import seen_pixels
from workers.toolkit.network.vision_model import VisionModel

PIXELS = (SIDE, SIDE)


@pytest.fixture(scope="module")
def model() -> VisionModel:
    """The tiny network with an preprocessing that leaves a picture of 32 × 32 as it is."""
    made = tiny_model()
    preprocessing = made.preprocessing.__class__(
        SIDE, SIDE, "bilinear", made.preprocessing.mean, made.preprocessing.std
    )
    return VisionModel("tiny", made.network, preprocessing, made.labels, made.weights)


def value(model: VisionModel, image: Image.Image, path: str, place: tuple[int, int]) -> float:
    with torch.no_grad():
        return float(model.network.run(model.prepare(image).x, path)[0, 2, place[0], place[1]])


@pytest.mark.parametrize("path", ["conv1", "conv2", "pool", "conv3"])
@pytest.mark.parametrize("place", [(0, 0), (2, 5), (7, 7), (3, 0)])
def test_nothing_outside_the_box_matters(
    model: VisionModel, path: str, place: tuple[int, int]
) -> None:
    image = photo(*PIXELS, seed=1)
    seen = seen_pixels(model.network.whole.graph)[model.network.layers[path]]
    box = seen_box(model.prepare(image), seen, *place)
    left, top, right, bottom = map(int, box)
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    noise[top:bottom, left:right] = np.asarray(image)[top:bottom, left:right]
    assert value(model, Image.fromarray(noise), path, place) == value(model, image, path, place)


def test_the_box_is_in_pixels_of_the_photograph() -> None:
    model, image = tiny_model(), photo(72, 90, seed=1)  # resized to 36 × 45, then cropped
    model_input = model.prepare(image)
    seen = seen_pixels(model.network.whole.graph)[model.network.layers["conv1"]]
    assert seen_box(model_input, seen, 0, 0) == (
        4,
        12,
        8,
        16,
    )  # 2 of 3 pixels are on the input, each is 2 of the image
    assert seen_box(model_input, seen, 1, 2) == (10, 14, 16, 20)


def test_without_a_field_everything_is_seen() -> None:
    model_input = tiny_model().prepare(photo(72, 90))
    assert seen_box(model_input, None, 0, 0) == model_input.box


def test_the_effective_box_leaves_out_what_is_faint(model: VisionModel) -> None:
    model_input = model.prepare(photo(*PIXELS))
    gradient = torch.full((3, SIDE, SIDE), 0.001)
    gradient[:, 10:20, 4:14] = -1.0
    assert effective_box(model_input, gradient) == (4, 10, 14, 20)
    assert effective_box(model_input, torch.ones(3, SIDE, SIDE)) == (
        1,
        1,
        31,
        31,
    )  # a twentieth of 32 is 1.6


def test_a_unit_that_nothing_changes_keeps_the_whole_box() -> None:
    model_input = tiny_model().prepare(photo(50, 40))
    assert effective_box(model_input, torch.zeros(3, SIDE, SIDE)) == model_input.box


def test_a_crop_has_every_pixel_that_the_box_touches() -> None:
    image = photo(50, 40)
    assert crop(image, (1.2, 3.0, 4.1, 5.0)).size == (4, 2)
    assert crop(image, (1.2, 3.1, 1.3, 3.2)).size == (1, 1)


def test_a_crop_never_leaves_the_image() -> None:
    image = photo(50, 40)
    assert crop(image, (40.0, 30.0, 50.0000001, 40.0000001)).size == (10, 10)
    assert crop(image, (50.0, 40.0, 50.0, 40.0)).size == (1, 1)


def test_small_patches_stay_crisp() -> None:
    tiny = Image.fromarray(np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8))
    assert set(np.asarray(fit(tiny, 100)).flatten().tolist()) == {0, 255}
