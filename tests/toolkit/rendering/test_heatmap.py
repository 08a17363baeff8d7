"""A map as pictures: the right colour at the right pixel, with the raw numbers beside them."""

import io

import numpy as np
import pytest
import torch
from matplotlib import colormaps
from PIL import Image
from torch import Tensor

from tests.tiny import photo
from workers.toolkit.execution.context import LocalContext
from workers.toolkit.images.preprocessing import ModelInput, Preprocessing
from workers.toolkit.rendering.colormap import LEVELS, OUTSIDE_COLOR, color_table
from workers.toolkit.rendering.heatmap import Heatmap, MapStyle, save_heatmap

SIDE = 24
SIZES = [(600, 400), (300, 500), (401, 263)]
MAGNITUDE = MapStyle("magnitude", "inferno")
SIGNED = MapStyle("signed", "RdBu_r")
LOWEST, HIGHEST = color_table("inferno")[[0, LEVELS - 1]].tolist()


def seen(size: tuple[int, int]) -> ModelInput:
    return Preprocessing(SIDE + 6, SIDE, "bilinear", (0.5,) * 3, (0.2,) * 3).prepare(photo(*size))


def seen_whole() -> ModelInput:
    """A photograph of which each pixel is one of the map."""
    return Preprocessing(SIDE, SIDE, "bilinear", (0.5,) * 3, (0.2,) * 3).prepare(photo(SIDE, SIDE))


def spotted(x: int, y: int, height: float = 1.0) -> Tensor:
    values = torch.zeros(SIDE, SIDE)
    values[y, x] = height
    return values


def left_by(
    model_input: ModelInput, values: Tensor, style: MapStyle = MAGNITUDE
) -> tuple[Heatmap, np.ndarray, np.ndarray, np.ndarray]:
    """(facts, heatmap (H, W, 3), overlay (H, W, 3), values)."""
    context = LocalContext({"technique": "test"})
    facts = save_heatmap(context, model_input, values, style)
    pictures = [
        Image.open(io.BytesIO(context.files[name])) for name in ("heatmap.png", "overlay.png")
    ]
    assert [picture.mode for picture in pictures] == ["P", "RGB"]
    raw = np.load(io.BytesIO(context.files["values.npy"]), allow_pickle=False)
    return facts, np.asarray(pictures[0].convert("RGB")), np.asarray(pictures[1]), raw


def levels_of(heatmap: np.ndarray) -> np.ndarray:
    """The heatmap's colours read back as 0..1, (H, W); the outside is 0."""
    index = {tuple(color): i for i, color in enumerate(color_table("inferno")[:LEVELS].tolist())}
    flat = [index.get(tuple(pixel), 0) for pixel in heatmap.reshape(-1, 3).tolist()]
    return np.array(flat).reshape(heatmap.shape[:2]) / (LEVELS - 1)


def greys(model_input: ModelInput) -> np.ndarray:
    """The photograph in grey, (H, W, 3)."""
    return np.asarray(model_input.image.convert("L").convert("RGB"))


def centre_of(model_input: ModelInput, x: int, y: int) -> tuple[int, int]:
    """The pixel of the photograph under the middle of that pixel of the map."""
    left, top, right, bottom = model_input.to_image((x, y, x + 1, y + 1))
    return int((left + right) / 2), int((top + bottom) / 2)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(("x", "y"), [(5, 17), (20, 9), (12, 12)])
def test_a_hot_spot_is_centred_where_it_lies_on_the_photograph(
    size: tuple[int, int], x: int, y: int
) -> None:
    model_input = seen(size)
    _, heatmap, _, _ = left_by(model_input, spotted(x, y))
    assert heatmap.shape[:2] == (size[1], size[0])
    level = levels_of(heatmap)
    weight = level / level.sum()
    left, top, right, bottom = model_input.to_image((x, y, x + 1, y + 1))
    assert (weight.sum(0) * (np.arange(size[0]) + 0.5)).sum() == pytest.approx(
        (left + right) / 2, abs=0.2
    )
    assert (weight.sum(1) * (np.arange(size[1]) + 0.5)).sum() == pytest.approx(
        (top + bottom) / 2, abs=0.2
    )


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(("x", "y"), [(5, 17), (0, 0), (23, 1), (12, 23)])
def test_a_hot_spot_is_bright_on_both_pictures_at_the_edges_too(
    size: tuple[int, int], x: int, y: int
) -> None:
    model_input = seen(size)
    _, heatmap, overlay, _ = left_by(model_input, spotted(x, y))
    column, row = centre_of(model_input, x, y)
    level = levels_of(heatmap)
    assert level[row, column] > 0.85
    assert np.hypot(*(np.argwhere(level == level.max()) - [row, column]).T).min() <= 3
    mixed = 0.85 * heatmap[row, column] + 0.15 * greys(model_input)[row, column]
    assert overlay[row, column].tolist() == pytest.approx(mixed, abs=20)
    far = centre_of(model_input, (x + 12) % SIDE, (y + 12) % SIDE)[::-1]
    mixed = 0.25 * np.array(LOWEST) + 0.75 * greys(model_input)[far]
    assert overlay[far].tolist() == pytest.approx(mixed, abs=2)


@pytest.mark.parametrize("name", ["inferno", "viridis", "hot_r", "jet"])
def test_known_values_have_exactly_the_colours_of_matplotlib(name: str) -> None:
    values = torch.arange(SIDE * SIDE).reshape(SIDE, SIDE) % LEVELS / 10
    _, heatmap, _, _ = left_by(seen_whole(), values, MapStyle("magnitude", name))
    unit = values.numpy() / values.max().item()
    expected = colormaps[name](np.round(unit * (LEVELS - 1)) / (LEVELS - 1), bytes=True)
    assert np.array_equal(heatmap, expected[..., :3])


@pytest.mark.parametrize("ends", [(-3.0, 1.0), (-1.0, 3.0), (-3.0, -1.0)])
def test_zero_has_the_middle_colour_of_a_signed_map_whatever_its_ends(
    ends: tuple[float, float],
) -> None:
    values = torch.zeros(SIDE, SIDE)
    values[0, 0], values[5, 5] = ends
    facts, heatmap, _, _ = left_by(seen_whole(), values, SIGNED)
    assert (facts.low, facts.high) == (-3, 3)
    middle, blue, red = colormaps["RdBu_r"]([0.5, 0.0, 1.0], bytes=True)[:, :3].tolist()
    assert heatmap[10, 10].tolist() == middle
    assert (heatmap[0, 0].tolist() == blue) is (ends[0] == -3)
    assert (heatmap[5, 5].tolist() == red) is (ends[1] == 3)


def test_with_the_same_limits_equal_values_of_two_maps_have_equal_colours() -> None:
    style = MapStyle("magnitude", "inferno", limits=(0.0, 4.0))
    few, many = spotted(3, 3, 2.0), torch.full((SIDE, SIDE), 2.0)
    many[0, 0] = 1000
    first, one, _, _ = left_by(seen_whole(), few, style)
    second, two, _, _ = left_by(seen_whole(), many, style)
    assert (first.low, first.high) == (second.low, second.high) == (0, 4)
    assert one[3, 3].tolist() == two[3, 3].tolist() == two[20, 20].tolist()
    assert two[0, 0].tolist() == HIGHEST


def test_zero_is_the_lowest_colour_and_a_constant_above_zero_the_highest() -> None:
    _, nothing, _, _ = left_by(seen_whole(), torch.zeros(SIDE, SIDE))
    _, something, _, _ = left_by(seen_whole(), torch.full((SIDE, SIDE), 3.0))
    assert np.unique(nothing.reshape(-1, 3), axis=0).tolist() == [LOWEST]
    assert np.unique(something.reshape(-1, 3), axis=0).tolist() == [HIGHEST]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("style", [MAGNITUDE, SIGNED], ids=["magnitude", "signed"])
def test_outside_the_box_the_heatmap_is_neutral_grey_and_the_overlay_the_photograph_in_grey(
    size: tuple[int, int], style: MapStyle
) -> None:
    model_input = seen(size)
    values = spotted(3, 3) - spotted(20, 20)
    _, heatmap, overlay, _ = left_by(model_input, values, style)
    ys, xs = np.mgrid[: size[1], : size[0]] + 0.5
    left, top, right, bottom = model_input.box
    inside = (xs >= left) & (xs <= right) & (ys >= top) & (ys <= bottom)
    assert 0.2 < inside.mean() < 0.9
    assert np.array_equal((heatmap == OUTSIDE_COLOR).all(2), ~inside)
    assert np.array_equal(overlay[~inside], greys(model_input)[~inside])
    assert (overlay[inside] != greys(model_input)[inside]).any(1).mean() > 0.9


@pytest.mark.parametrize("tail", [0.0, 0.5, 20.0])
def test_the_raw_values_are_exactly_the_map(tail: float) -> None:
    values = torch.randn(SIDE, SIDE + 3, generator=torch.Generator().manual_seed(0)) * 1e-6
    facts, _, _, raw = left_by(seen((60, 40)), values, MapStyle("level", "magma", tail=tail))
    assert raw.dtype == np.float32
    assert np.array_equal(raw, values.numpy())
    assert (facts.minimum, facts.maximum) == (values.min().item(), values.max().item())
    assert facts.low == facts.minimum
    assert facts.high == pytest.approx(np.percentile(values.numpy(), 100 - tail))


@pytest.mark.parametrize(("asked", "side"), [(2048, 600), (600, 600), (599, 599), (150, 150)])
def test_no_picture_is_larger_than_asked_or_than_the_photograph(asked: int, side: int) -> None:
    model_input = seen((600, 400))
    style = MapStyle("magnitude", "inferno", side=asked)
    _, heatmap, overlay, _ = left_by(model_input, spotted(5, 17), style)
    assert heatmap.shape == overlay.shape == (round(side * 400 / 600), side, 3)
    column, row = centre_of(model_input, 5, 17)
    assert levels_of(heatmap)[row * side // 600, column * side // 600] > 0.8


def test_a_photograph_of_one_row_has_pictures_too() -> None:
    squash = Preprocessing(SIDE, SIDE, "bilinear", (0.5,) * 3, (0.2,) * 3, fit="squash")
    for size in ((500, 1), (1, 500), (1, 1)):
        _, heatmap, overlay, _ = left_by(squash.prepare(photo(*size)), spotted(5, 17))
        assert heatmap.shape == overlay.shape == (size[1], size[0], 3)
        cropped = Preprocessing(SIDE + 6, SIDE, "bilinear", (0.5,) * 3, (0.2,) * 3)
        left_by(cropped.prepare(photo(*size)), spotted(5, 17), MapStyle("signed", "bwr", side=16))
