"""The grid by closed forms: on a linear model, the fall under a patch is w·(x − fill)."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from torch import Tensor

from tests.toolkit.networks import noise
from workers.toolkit.images.baselines import baseline_image, blur
from workers.toolkit.occlusion.grid import occluded_scores, rectangles, spread

SIDE = 24
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)


def silent(_done: int, _total: int, _message: str) -> None:
    pass


def linear_falls(window: int, stride: int, fill: Tensor) -> tuple[Tensor, Tensor, list]:
    """(falls by occlusion, falls in closed form, patches) of the model w·x."""
    x, weight = noise(1, SIDE).double(), noise(1, SIDE, seed=2).double()[0]
    patches = rectangles(SIDE, SIDE, window, stride)
    score = lambda batch: (batch * weight).flatten(1).sum(1)  # noqa: E731
    scores = occluded_scores(score, x, patches, fill, silent, batch=5)
    lost = (weight * (x[0] - fill)).sum(0)
    return (
        score(x) - scores,
        torch.stack([lost[t:b, le:r].sum() for le, t, r, b in patches]),
        patches,
    )


@pytest.mark.parametrize(("window", "stride"), [(6, 6), (7, 5), (24, 24), (1, 1), (23, 2)])
def test_on_a_linear_model_the_fall_is_the_patchs_part_of_the_score(
    window: int, stride: int
) -> None:
    fill = baseline_image("white", noise(1, SIDE).double(), MEAN, STD, window).double()
    ours, closed, _ = linear_falls(window, stride, fill)
    torch.testing.assert_close(ours, closed, atol=1e-9, rtol=1e-9)


def test_one_pixel_windows_give_the_linear_model_back() -> None:
    falls, _, patches = linear_falls(1, 1, torch.zeros(3, SIDE, SIDE).double())
    expected = (noise(1, SIDE, seed=2)[0] * noise(1, SIDE)[0]).sum(0)
    torch.testing.assert_close(spread(falls, patches, SIDE, SIDE, mean=True), expected)


@settings(deadline=None, database=None)
@given(st.data())
def test_patches_cover_everything_start_at_the_stride_and_end_at_the_edge(
    data: st.DataObject,
) -> None:
    height, width = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 40))
    window = data.draw(st.integers(1, min(height, width)))
    stride = data.draw(st.integers(1, window))
    patches = rectangles(height, width, window, stride)
    covered = np.zeros((height, width), bool)
    for left, top, right, bottom in patches:
        assert left % stride == top % stride == 0
        assert (right, bottom) == (min(left + window, width), min(top + window, height))
        covered[top:bottom, left:right] = True
    assert covered.all()
    assert len(patches) == len(set(patches))
    # The last window of a row is the first to reach the edge.
    assert sum(right == width for _, top, right, _ in patches if top == 0) == 1


def test_progress_is_told_before_every_batch_and_at_the_end() -> None:
    told: list[tuple[int, int]] = []
    patches = rectangles(SIDE, SIDE, 8, 8)
    occluded_scores(
        lambda batch: batch.sum((1, 2, 3)), noise(1, SIDE), patches, torch.zeros(3, SIDE, SIDE),
        lambda done, total, _message: told.append((done, total)), batch=4,
    )  # fmt: skip
    assert told == [(0, 9), (4, 9), (8, 9), (9, 9)]


def test_the_image_is_not_changed_and_needs_no_gradient() -> None:
    x = noise(1, SIDE)
    kept = x.clone()
    scores = occluded_scores(
        lambda batch: batch.sum((1, 2, 3)),
        x.requires_grad_(),
        rectangles(SIDE, SIDE, 8, 8),
        x[0] * 0,
        silent,
    )
    assert torch.equal(x.detach(), kept)
    assert not scores.requires_grad


@pytest.mark.parametrize("mean", [True, False])
def test_a_pixel_gets_the_sum_or_the_mean_of_its_windows(mean: bool) -> None:
    patches = [(0, 0, 2, 2), (1, 0, 3, 2), (1, 1, 3, 3)]
    falls = torch.tensor([1.0, 10.0, 100.0])
    total = torch.tensor([[1.0, 11, 10, 0], [1, 111, 110, 0], [0, 100, 100, 0]])
    count = torch.tensor([[1.0, 2, 1, 1], [1, 3, 2, 1], [1, 1, 1, 1]])
    assert torch.equal(spread(falls, patches, 3, 4, mean=mean), total / count if mean else total)


@pytest.mark.parametrize(("kind", "pixel"), [("gray", 0.5), ("black", 0.0), ("white", 1.0)])
def test_a_plain_fill_is_that_grey_level_in_the_networks_units(kind: str, pixel: float) -> None:
    fill = baseline_image(kind, noise(1, SIDE), MEAN, STD, 8)
    assert fill.shape == (3, SIDE, SIDE)
    seen = fill * torch.tensor(STD)[:, None, None] + torch.tensor(MEAN)[:, None, None]
    torch.testing.assert_close(seen, torch.full_like(seen, pixel))


def test_the_mean_fill_is_zero() -> None:
    assert not baseline_image("mean", noise(1, SIDE), MEAN, STD, 8).any()


@pytest.mark.parametrize("window", [1, 2, 6, 11])
def test_blur_is_scipys_gaussian_with_the_border_repeated(window: int) -> None:
    x = noise(1, SIDE)
    radius = max(1, min(int(np.ceil(1.5 * window)), SIDE - 1))
    theirs = [
        gaussian_filter(c, window / 2, mode="nearest", radius=radius) for c in x[0].double().numpy()
    ]
    expected = torch.from_numpy(np.stack(theirs)).float()
    torch.testing.assert_close(
        baseline_image("blur", x, MEAN, STD, window / 2), expected, atol=1e-5, rtol=1e-4
    )
    torch.testing.assert_close(blur(x, window / 2)[0], expected, atol=1e-5, rtol=1e-4)
