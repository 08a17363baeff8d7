"""A map as pictures: the right colour at the right pixel, with the raw numbers beside them."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from tests.tiny import photo
from workers.toolkit.execution.context import LocalContext
from workers.toolkit.images.preprocessing import ModelInput, Preprocessing
from workers.toolkit.rendering.heatmap import (
    HeatmapRange,
    colors,
    gradient_picture,
    save_heatmap,
    unit_interval,
)

SIDE = 24
BLUE, RED = (49, 54, 149), (165, 0, 38)  # the ends of ColorBrewer's RdYlBu
SIZES = [(600, 400), (300, 500), (401, 263)]


def seen(size: tuple[int, int]) -> ModelInput:
    return Preprocessing(SIDE + 6, SIDE, "bilinear", (0.5,) * 3, (0.2,) * 3).prepare(photo(*size))


def spotted(x: int, y: int, height: float = 1.0) -> Tensor:
    values = torch.zeros(SIDE, SIDE)
    values[y, x] = height
    return values


def left_by(
    model_input: ModelInput, values: Tensor, tail: float = 0.0
) -> tuple[HeatmapRange, np.ndarray, np.ndarray, np.ndarray]:
    """(facts, heatmap (H, W, 4), overlay (H, W, 3), values)."""
    context = LocalContext({"technique": "test"})
    facts = save_heatmap(context, model_input, values, tail=tail)
    pictures = [
        Image.open(io.BytesIO(context.files[name])) for name in ("heatmap.png", "overlay.png")
    ]
    assert [picture.mode for picture in pictures] == ["RGBA", "RGB"]
    raw = np.load(io.BytesIO(context.files["values.npy"]), allow_pickle=False)
    return facts, np.asarray(pictures[0]), np.asarray(pictures[1]), raw


def levels_of(heatmap: np.ndarray) -> np.ndarray:
    """The heatmap's colours read back as 0..1, (H, W)."""
    scale = colors(np.linspace(0, 1, 201, dtype=np.float32)[None])[0].astype(int)
    used, where = np.unique(heatmap[..., :3].astype(int) @ [65536, 256, 1], return_inverse=True)
    distance = np.abs(np.stack([used >> 16, used >> 8 & 255, used & 255], 1)[:, None] - scale).sum(
        2
    )
    return (distance.argmin(1) / 200)[where].reshape(heatmap.shape[:2])


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
def test_a_hot_spot_is_red_on_both_pictures_at_the_edges_too(
    size: tuple[int, int], x: int, y: int
) -> None:
    model_input = seen(size)
    _, heatmap, overlay, _ = left_by(model_input, spotted(x, y))
    column, row = centre_of(model_input, x, y)
    level = levels_of(heatmap)
    assert level[row, column] > 0.85
    assert np.hypot(*(np.argwhere(level == level.max()) - [row, column]).T).min() <= 3
    mixed = 0.85 * heatmap[row, column, :3] + 0.15 * np.asarray(model_input.image)[row, column]
    assert overlay[row, column].tolist() == pytest.approx(mixed, abs=15)
    far = centre_of(model_input, (x + 12) % SIDE, (y + 12) % SIDE)[::-1]
    mixed = 0.35 * np.array(BLUE) + 0.65 * np.asarray(model_input.image)[far]
    assert overlay[far].tolist() == pytest.approx(mixed, abs=2)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_lowest_value_is_blue_and_a_slope_runs_from_blue_to_red(size: tuple[int, int]) -> None:
    model_input = seen(size)
    slope = torch.arange(SIDE).float().repeat(SIDE, 1) - 100
    _, heatmap, _, _ = left_by(model_input, slope)
    row = centre_of(model_input, 0, SIDE // 2)[1]
    ends = [heatmap[row, centre_of(model_input, x, 0)[0]] for x in (0, SIDE - 1)]
    assert ends[0].tolist() == pytest.approx([*BLUE, 255], abs=8)
    assert ends[1].tolist() == pytest.approx([*RED, 255], abs=8)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_outside_the_box_the_heatmap_is_transparent_and_the_overlay_grey(
    size: tuple[int, int],
) -> None:
    model_input = seen(size)
    _, heatmap, overlay, _ = left_by(model_input, spotted(3, 3))
    left, top, right, bottom = (round(side) for side in model_input.box)
    inside = np.zeros(heatmap.shape[:2], bool)
    inside[top:bottom, left:right] = True
    border = np.zeros_like(inside)
    border[max(top - 1, 0) : bottom + 1, max(left - 1, 0) : right + 1] = True
    border[top + 1 : bottom - 1, left + 1 : right - 1] = False
    sure = ~border
    assert np.array_equal(heatmap[..., 3][sure] > 0, inside[sure])
    assert set(np.unique(heatmap[..., 3])) == {0, 255}
    spread = overlay.max(2).astype(int) - overlay.min(2)
    assert spread[sure & ~inside].max() == 0


@pytest.mark.parametrize("value", [0.0, -3.5, 1e-30])
@pytest.mark.parametrize("tail", [0.0, 0.5])
def test_a_constant_map_has_one_colour_and_only_zeros_that_of_the_lowest(
    value: float, tail: float
) -> None:
    facts, heatmap, _, raw = left_by(seen((60, 40)), torch.full((SIDE, SIDE), value), tail)
    assert facts.minimum == facts.maximum == pytest.approx(value)
    (colour,) = {tuple(pixel) for pixel in heatmap[heatmap[..., 3] > 0]}
    assert (colour == (*BLUE, 255)) is (value == 0) and colour != (*RED, 255)
    assert (raw == np.float32(value)).all()


@pytest.mark.parametrize("tail", [0.0, 0.5, 20.0])
def test_the_raw_values_are_exactly_the_map(tail: float) -> None:
    values = torch.randn(SIDE, SIDE + 3, generator=torch.Generator().manual_seed(0)) * 1e-6
    facts, _, _, raw = left_by(seen((60, 40)), values, tail)
    assert raw.dtype == np.float32
    assert np.array_equal(raw, values.numpy())
    assert (facts.minimum, facts.maximum) == (values.min().item(), values.max().item())
    low, high = facts.color_range
    assert low == facts.minimum
    assert high == pytest.approx(np.percentile(values.numpy(), 100 - tail))


def test_the_tail_is_shown_as_if_equal() -> None:
    values = torch.arange(SIDE * SIDE).float().reshape(SIDE, SIDE)
    model_input = seen((600, 400))
    _, heatmap, _, _ = left_by(model_input, values, tail=10)
    reds = [
        heatmap[centre_of(model_input, x, y)[::-1]][:3].tolist()
        for x, y in ((20, 23), (4, 23), (20, 22))
    ]
    assert reds == [list(RED)] * 3


def test_a_spot_smaller_than_the_tail_is_still_seen() -> None:
    model_input = seen((600, 400))
    _, heatmap, _, _ = left_by(
        model_input, spotted(5, 17), tail=0.5
    )  # 1 of 576 pixels: less than half a percent
    column, row = centre_of(model_input, 5, 17)
    assert heatmap[row, column].tolist() != [*BLUE, 255]


def test_levels_are_cut_at_both_ends() -> None:
    levels = unit_interval(np.array([-5, 0, 1, 2, 9], np.float32), 0, 2)
    assert levels.tolist() == [0, 0, 0.5, 1, 1]
    assert unit_interval(np.zeros(2, np.float32), 0, 0).tolist() == [0, 0]
    assert unit_interval(np.zeros(2, np.float32), -0.0, 0, signed=True).tolist() == [0.5, 0.5]
    assert unit_interval(np.full(2, 7, np.float32), 7, 7).tolist() == [0.5, 0.5]
    assert colors(np.array([[0.0, 1.0]], np.float32)).tolist() == [[list(BLUE), list(RED)]]


def test_a_very_large_photograph_gives_a_smaller_picture_of_the_same_shape(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("workers.toolkit.rendering.heatmap._MAX_PIXELS", 60_000)
    model_input = seen((600, 400))
    _, heatmap, overlay, _ = left_by(model_input, spotted(5, 17))
    assert heatmap.shape[:2] == overlay.shape[:2] == (200, 300)
    column, row = centre_of(model_input, 5, 17)
    assert levels_of(heatmap)[row // 2, column // 2] > 0.85


def test_a_gradient_is_mid_grey_at_zero_and_keeps_its_sign_per_channel() -> None:
    gradient = torch.zeros(3, 40, 40)
    gradient[0, 10:20], gradient[2, 10:20], gradient[1, 30:35] = 2.0, -2.0, 1.0
    picture = gradient_picture(gradient)
    assert picture.getpixel((5, 5)) == pytest.approx((128, 128, 128), abs=1)
    assert picture.getpixel((5, 15)) == pytest.approx((255, 128, 0), abs=1)
    assert picture.getpixel((5, 32)) == pytest.approx((128, 191, 128), abs=1)
    assert gradient_picture(torch.zeros(3, 4, 4)).getpixel((0, 0)) == pytest.approx(
        (128, 128, 128), abs=1
    )


def test_a_gradient_of_a_small_grey_input_is_large_enough_to_be_seen() -> None:
    gradient = torch.linspace(-1, 1, 64).view(1, 8, 8)
    picture = gradient_picture(gradient)
    assert picture.size == (64, 64)
    assert len(np.unique(np.asarray(picture)[:8, 8:16])) == 1
    assert picture.getpixel((0, 0)) == (0, 0, 0) and picture.getpixel((63, 63)) == (255, 255, 255)
