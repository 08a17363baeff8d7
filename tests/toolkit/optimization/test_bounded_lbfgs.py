"""L-BFGS within bounds, against SciPy's L-BFGS-B and closed forms."""

import torch
from scipy.optimize import minimize
from torch import Tensor

from workers.toolkit.optimization.bounded_lbfgs import BoundedLBFGS

SIDE = 6


def quadratic() -> tuple[Tensor, Tensor]:
    """Return a matrix with condition number 1000 and the minimum without bounds."""
    generator = torch.Generator().manual_seed(4)
    size = SIDE * SIDE
    basis = torch.linalg.qr(torch.randn(size, size, generator=generator).double()).Q
    matrix = basis @ torch.logspace(0, 3, size).double().diag() @ basis.T
    return matrix, 0.5 + torch.randn(size, generator=generator).double()


def minimized(factor: float, steps: int, low: Tensor | float, high: Tensor | float) -> Tensor:
    matrix, goal = quadratic()
    x = torch.full((1, 1, SIDE, SIDE), 0.5).double().requires_grad_()
    optimizer = BoundedLBFGS([x], 1.0, low, high, history=10)

    def closure() -> Tensor:
        optimizer.zero_grad()
        gap = x.flatten() - goal
        loss = factor * gap @ matrix @ gap
        loss.backward()
        return loss

    for _ in range(steps):
        optimizer.step(closure)
        assert bool((x >= low).all()) and bool((x <= high).all())
    return x.detach()


def test_within_bounds_it_finds_what_l_bfgs_b_finds() -> None:
    matrix, goal = quadratic()
    expected = minimize(
        lambda x: float((x - goal.numpy()) @ matrix.numpy() @ (x - goal.numpy())),
        [0.5] * SIDE**2,
        jac=lambda x: 2 * matrix.numpy() @ (x - goal.numpy()),
        bounds=[(0, 1)] * SIDE**2,
        options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 10000},
    )
    found = minimized(1.0, 400, 0.0, 1.0).flatten()
    held = (torch.from_numpy(expected.x) < 1e-9) | (torch.from_numpy(expected.x) > 1 - 1e-9)
    assert 5 < int(held.sum()) < SIDE**2 - 5
    torch.testing.assert_close(found, torch.from_numpy(expected.x), rtol=0, atol=1e-4)


def test_the_scale_of_the_loss_does_not_matter() -> None:
    plain = minimized(1.0, 30, 0.0, 1.0)
    for factor in (2.0**-20, 2.0**20):
        assert torch.equal(minimized(factor, 30, 0.0, 1.0), plain)


def test_bounds_may_differ_from_value_to_value() -> None:
    _, goal = quadratic()
    low = goal.reshape(1, 1, SIDE, SIDE) - 1
    high = torch.full_like(low, 10)
    low[..., 0] = high[..., 0] = 0.5
    found = minimized(1.0, 200, low, high)
    assert torch.equal(found[..., 0], low[..., 0])


def test_the_first_step_moves_by_the_rate() -> None:
    moved = minimized(1.0, 1, -9.0, 9.0) - 0.5
    torch.testing.assert_close(moved.abs().sum(), torch.tensor(1.0).double())
