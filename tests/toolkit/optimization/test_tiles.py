"""Tiles against plain indexing: they cover every pixel and join to the same picture."""

import pytest
import torch

from tests.toolkit.networks import noise
from workers.toolkit.optimization.tiles import Tiles

SHAPES = [
    (40, 70, 16, 4),
    (16, 16, 16, 4),
    (17, 33, 16, 0),
    (32, 48, 16, 0),
    (9, 5, 16, 4),
    (3, 100, 16, 7),
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("offset", [(0, 0), (3, 5), (-7, 40)])
def test_what_is_cut_joins_to_what_it_was(
    shape: tuple[int, int, int, int], offset: tuple[int, int]
) -> None:
    tiles, picture = Tiles(*shape), torch.rand(1, 3, *shape[:2])
    cut = tiles.cut(picture, offset)
    assert cut.shape == (tiles.count, 3, 16, 16)
    assert torch.allclose(tiles.join(cut, offset), picture, atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_tile_shows_the_picture_as_on_a_torus(shape: tuple[int, int, int, int]) -> None:
    picture = torch.rand(1, 1, *shape[:2])
    first = Tiles(*shape).cut(picture, (3, -2))[0]
    for y, x in [(0, 0), (15, 0), (4, 15), (15, 15)]:
        assert first[0, y, x] == picture[0, 0, (y + 3) % shape[0], (x - 2) % shape[1]]


def test_one_tile_of_the_pictures_size_is_the_picture() -> None:
    picture, tiles = torch.rand(1, 3, 16, 16), Tiles(16, 16, 16, 4)
    assert tiles.count == 1
    assert torch.equal(tiles.join(tiles.cut(picture)), picture)


@pytest.mark.parametrize(
    ("length", "overlap", "count"), [(16, 4, 1), (17, 4, 2), (24, 4, 2), (25, 4, 3), (32, 0, 2)]
)
def test_as_few_tiles_as_overlap_enough(length: int, overlap: int, count: int) -> None:
    tiles = Tiles(length, 16, 16, overlap)
    assert (tiles.rows, tiles.columns, tiles.count) == (count, 1, count)


def test_where_two_tiles_overlap_one_passes_gradually_into_the_other() -> None:
    """Two tiles of 16 on a ring of 24 overlap by 4 at both ends; one is 0, the other 1."""
    said = torch.stack([torch.zeros(1, 16, 16), torch.ones(1, 16, 16)])
    row = Tiles(16, 24, 16, 4).join(said)[0, 0, 8]
    rise = [0.125, 0.375, 0.625, 0.875]
    assert row.tolist() == pytest.approx([*reversed(rise), *[0] * 8, *rise, *[1] * 8])


def test_the_sum_over_tiles_has_the_gradient_that_join_gives() -> None:
    """Without overlap each pixel is in one tile, and joining gradients is what autograd does."""
    picture, weight = noise(1)[:, :, :32, :32].requires_grad_(), torch.randn(4, 3, 16, 16)
    tiles = Tiles(32, 32, 16, 0)
    (tiles.cut(picture, (5, 9)) * weight).sum().backward()
    assert torch.allclose(tiles.join(weight, (5, 9)), picture.grad)
