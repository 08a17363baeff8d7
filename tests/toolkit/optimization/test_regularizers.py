"""The published formulas, written as loops."""

import pytest
import torch

from workers.toolkit.optimization.regularizers import alpha_norm, squared_norm, total_variation

X = torch.randn(2, 3, 5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_norms() -> None:
    for image in range(2):
        values = X[image].flatten().tolist()
        assert squared_norm(X)[image] == pytest.approx(sum(v**2 for v in values))
        assert alpha_norm(X, 6)[image] == pytest.approx(sum(abs(v) ** 6 for v in values))


@pytest.mark.parametrize("beta", [1.0, 2.0, 3.0])
def test_total_variation(beta: float) -> None:
    for image in range(2):
        total = 0.0
        for c in range(3):
            for i in range(5):
                for j in range(4):
                    here = float(X[image, c, i, j])
                    right = float(X[image, c, i, min(j + 1, 3)])
                    below = float(X[image, c, min(i + 1, 4), j])
                    total += ((right - here) ** 2 + (below - here) ** 2) ** (beta / 2)
        assert total_variation(X, beta)[image] == pytest.approx(total, rel=1e-4)


def test_a_flat_picture_costs_nothing_and_has_a_slope() -> None:
    flat = torch.full((1, 1, 4, 4), 0.5, requires_grad=True)
    cost = total_variation(flat, 1.0).sum()
    cost.backward()
    assert float(cost.detach()) == pytest.approx(0, abs=1e-4)
    assert flat.grad is not None and bool(flat.grad.isfinite().all())


def test_gradients() -> None:
    """Gradients equal finite differences."""
    x = X[:, :2, :3, :3].clone().requires_grad_()
    for made in (
        squared_norm,
        lambda y: alpha_norm(y, 6),
        total_variation,
        lambda y: total_variation(y, 3.0),
    ):
        assert torch.autograd.gradcheck(made, x)
