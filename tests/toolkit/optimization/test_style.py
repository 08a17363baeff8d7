"""The terms of a style transfer's loss, against slow loops over Gatys' formulas."""

import pytest
import torch
from torch import Tensor

from workers.toolkit.optimization.style import (
    Palette,
    blended,
    channel_scale,
    gram,
    normalized_content,
    normalized_style,
    published_content,
    published_style,
)


def features(seed: int, channels: int = 4, height: int = 3, width: int = 5) -> Tensor:
    return torch.rand(
        1,
        channels,
        height,
        width,
        generator=torch.Generator().manual_seed(seed),
        dtype=torch.double,
    )


def slow_gram(f: Tensor) -> list[list[float]]:
    _, channels, height, width = f.shape
    places = [(y, x) for y in range(height) for x in range(width)]
    return [
        [
            sum(float(f[0, i, y, x] * f[0, j, y, x]) for y, x in places) / len(places)
            for j in range(channels)
        ]
        for i in range(channels)
    ]


def test_gram_is_the_mean_product_of_two_channels() -> None:
    assert gram(features(0)).tolist() == [pytest.approx(row) for row in slow_gram(features(0))]


def test_the_published_style_loss() -> None:
    """A layer's weight 1000/n² is multiplied by the mean over its Gram matrix of (G − A)²."""
    f, a = features(0), features(1, height=6)
    n, g, target = 4, slow_gram(f), slow_gram(a)
    expected = (
        1000 / n**2 * sum((g[i][j] - target[i][j]) ** 2 for i in range(n) for j in range(n)) / n**2
    )
    assert float(published_style(gram(a), 2.0).loss(f)) == pytest.approx(2 * expected)


def test_the_published_content_loss() -> None:
    f, p = features(0).flatten().tolist(), features(1).flatten().tolist()
    expected = sum((a - b) ** 2 for a, b in zip(f, p, strict=True)) / len(f)
    assert float(published_content(features(1), 3.0).loss(features(0))) == pytest.approx(
        3 * expected
    )


def test_a_mixed_gram_matrix_has_the_gradient_of_the_mixed_losses() -> None:
    x = features(0).requires_grad_()
    targets, shares = [gram(features(1)), gram(features(2))], [0.7, 0.3]
    apart = sum(
        share * published_style(target, 1.0).loss(x)
        for target, share in zip(targets, shares, strict=True)
    )
    (expected,) = torch.autograd.grad(apart, x)
    (found,) = torch.autograd.grad(published_style(blended(targets, shares), 1.0).loss(x), x)
    torch.testing.assert_close(found, expected)


def test_normalized_losses_do_not_depend_on_the_scale_of_a_channel() -> None:
    strength = torch.tensor([1.0, 100.0, 0.01, 5.0], dtype=torch.double)[:, None, None]

    def losses(factor: Tensor) -> tuple[float, float]:
        f, a, p = features(0) * factor, features(1) * factor, features(2) * factor
        scale = channel_scale(gram(a), p)
        style, content = normalized_style(gram(a), scale, 1.0), normalized_content(p, scale, 1.0)
        return float(style.loss(f)), float(content.loss(f))

    assert losses(7 * torch.ones_like(strength)) == pytest.approx(losses(torch.ones_like(strength)))
    unlike = losses(strength)
    # Plain Gram matrices would differ by a factor of 10⁸.
    assert 0.05 < unlike[0] / losses(torch.ones_like(strength))[0] < 20


def test_normalized_losses_are_relative_distances() -> None:
    a, p = gram(features(1)), features(2)
    scale = channel_scale(a, p)
    assert float(normalized_style(a, scale, 3.0).loss(torch.zeros_like(p))) == pytest.approx(3)
    assert float(normalized_content(p, scale, 3.0).loss(torch.zeros_like(p))) == pytest.approx(3)
    assert float(normalized_style(a, scale, 3.0).loss(features(1))) == 0


def test_a_dead_layer_costs_nothing_and_is_finite() -> None:
    nothing = torch.zeros(1, 4, 3, 5)
    scale = channel_scale(gram(nothing), nothing)
    assert float(normalized_style(gram(nothing), scale, 1.0).loss(nothing)) == 0
    assert float(normalized_content(nothing, scale, 1.0).loss(nothing)) == 0


def test_the_palette_is_mean_and_covariance_of_all_pixels() -> None:
    styles, picture = [features(0, 3), features(1, 3)], features(2, 3)
    pixels = torch.cat([style[0].flatten(1) for style in styles], 1)  # equal sizes: equal shares
    mean, covariance = pixels.mean(1), torch.cov(pixels, correction=0)
    mine = picture[0].flatten(1)
    expected = (mine.mean(1) - mean).square().sum()
    expected += (torch.cov(mine, correction=0) - covariance).square().sum() / covariance.norm()
    assert float(Palette.of(styles, [0.5, 0.5], 2.0).loss(picture)) == pytest.approx(
        2 * float(expected)
    )
    assert float(Palette.of([picture], [1.0], 2.0).loss(picture)) == pytest.approx(0, abs=1e-12)


def test_gradients() -> None:
    """Gradients of the Gram matrix, and of every loss made of it, equal finite differences."""
    seen, target = features(1, 3, 2, 3).double().requires_grad_(), features(2, 3, 2, 3).double()
    scale = channel_scale(gram(target), target)
    assert torch.autograd.gradcheck(gram, seen)
    for term in (
        published_style(gram(target), 2.0),
        published_content(target, 2.0),
        normalized_style(gram(target), scale, 2.0),
        normalized_content(target, scale, 2.0),
    ):
        assert torch.autograd.gradcheck(term.loss, seen)
