"""RISE: masks against the authors' recipe, the map against a slow loop and a closed form."""

from math import ceil

import numpy as np
import pytest
import torch
from skimage.transform import resize
from torch import Tensor

from tests.toolkit.networks import noise
from workers.toolkit.attribution.rise import BATCH, Masks, rise
from workers.toolkit.errors import NotFinite

HEIGHT, WIDTH = 12, 10


def silent(_done: int, _total: int, _message: str) -> None:
    pass


def picture(channels: int = 3) -> Tensor:
    return noise(1, 16)[:, :channels, :HEIGHT, :WIDTH].double()


def authors_masks(masks: Masks, count: int, generator: torch.Generator) -> np.ndarray:
    """Make one mask at a time as the paper's code does: resize the grid, cut at a random offset."""
    cells = torch.rand(count, 1, masks.grid, masks.grid, generator=generator).numpy()[:, 0]
    cell = ceil(HEIGHT / masks.grid), ceil(WIDTH / masks.grid)
    tops = torch.randint(cell[0], (count,), generator=generator).tolist()
    lefts = torch.randint(cell[1], (count,), generator=generator).tolist()
    size = [(masks.grid + 1) * side for side in cell]
    made = []
    for grid, y, x in zip(cells, tops, lefts, strict=True):
        opened = (grid < masks.probability).astype(np.float64)
        large = resize(opened, size, order=1, mode="edge", anti_aliasing=False)
        made.append(large[y : y + HEIGHT, x : x + WIDTH])
    return np.stack(made)


@pytest.mark.parametrize(("grid", "probability"), [(2, 0.5), (3, 0.1), (7, 0.8), (10, 0.5)])
def test_masks_are_those_of_the_authors_recipe(grid: int, probability: float) -> None:
    masks = Masks(grid, probability)
    ours = masks.draw(9, HEIGHT, WIDTH, torch.Generator().manual_seed(4))
    theirs = authors_masks(masks, 9, torch.Generator().manual_seed(4))
    assert ours.shape == (9, HEIGHT, WIDTH)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    assert len({mask.numpy().tobytes() for mask in ours}) > 3


@pytest.mark.parametrize("count", [1, BATCH, 2 * BATCH + 5])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_map_is_the_papers_sum_over_masks(count: int, channels: int) -> None:
    x, masks = picture(channels), Masks(3, 0.4)
    fill = torch.full_like(x[0], 0.3)
    score = lambda batch: batch.flatten(1).square().sum(1).sqrt()  # noqa: E731
    ours = rise(score, x, fill, masks, count, 8, silent).mean
    generator, expected = torch.Generator().manual_seed(8), torch.zeros(HEIGHT, WIDTH).double()
    for start in range(0, count, BATCH):
        for mask in masks.draw(min(BATCH, count - start), HEIGHT, WIDTH, generator).double():
            expected += float(score(mask * x + (1 - mask) * fill)) * mask / (count * 0.4)
    torch.testing.assert_close(ours, expected.float(), atol=1e-6, rtol=1e-5)


def mean_products(masks: Masks, size: int) -> Tensor:
    """Return Σ over cells of u_j · u_λ for pixels j and λ, the mean over all offsets.

    The result is (pixels, pixels); u is a cell's share of a pixel.
    """
    cell = ceil(size / masks.grid)
    shares = []
    for index in range(masks.grid**2):
        grid = np.zeros(masks.grid**2)
        grid[index] = 1
        shares.append(
            resize(
                grid.reshape(masks.grid, -1),
                [(masks.grid + 1) * cell] * 2,
                order=1,
                mode="edge",
                anti_aliasing=False,
            )
        )
    total = np.zeros((size**2, size**2))
    for y in range(cell):
        for x in range(cell):
            cut = np.stack(
                [share[y : y + size, x : x + size].ravel() for share in shares]
            )  # (cells, pixels)
            total += cut.T @ cut / cell**2
    return torch.from_numpy(total)


def test_on_a_linear_model_the_map_goes_to_its_closed_form() -> None:
    """For f = Σ c + b the expected map is p·Σ c + b + (1 − p)·Σ_j c_j K(j, λ).

    K is that of `mean_products`.
    """
    size, masks, bias = 8, Masks(3, 0.4), 0.7
    x, weight = noise(1, size).double(), noise(1, size, seed=2).double()[0]
    parts = (x[0] * weight).sum(0).flatten()  # c, (pixels,)
    closed = 0.4 * parts.sum() + bias + 0.6 * mean_products(masks, size) @ parts
    score = lambda batch: (batch * weight).flatten(1).sum(1) + bias  # noqa: E731

    def error(count: int) -> float:
        ours = (
            rise(score, x, torch.zeros_like(x[0]), masks, count, 1, silent, batch=500)
            .mean.double()
            .flatten()
        )
        return float((ours - closed).square().mean().sqrt() / closed.std())

    few, many = error(500), error(50_000)
    assert few < 0.6
    assert many < 0.06
    assert many < few / 3  # ten times fewer are expected


def test_progress_is_told_before_every_batch_and_at_the_end() -> None:
    told: list[tuple[int, int]] = []
    rise(
        lambda batch: batch.sum((1, 2, 3)), picture(), picture()[0], Masks(2, 0.5), 9, 0,
        lambda done, total, _message: told.append((done, total)), batch=4,
    )  # fmt: skip
    assert told == [(0, 9), (4, 9), (8, 9), (9, 9)]


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(NotFinite, match="for at least one mask"):
        rise(
            lambda batch: batch.sum((1, 2, 3)) / 0,
            picture(),
            picture()[0],
            Masks(2, 0.5),
            5,
            0,
            silent,
        )
