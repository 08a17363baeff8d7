"""Integrated gradients agree with captum, are complete, and are exact on a linear model."""

import io

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients
from torch import Tensor, nn

from catalog.techniques.integrated_gradients import (
    IntegratedGradientsParams,
    IntegratedGradientsSummary,
)
from tests.tiny import SIDE, TinyNetwork, photo, tiny_model
from workers.execute import execute
from workers.toolkit.attribution.integrated_gradients import integrated_gradients
from workers.toolkit.execution.context import LocalContext


class Linear(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(3 * SIDE * SIDE, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x.flatten(1))


def ran(
    kind: type[nn.Module] = TinyNetwork, **fields: object
) -> tuple[IntegratedGradientsSummary, np.ndarray]:
    context = LocalContext()
    params = IntegratedGradientsParams(**{"seed": 0, **fields})
    summary = execute("integrated_gradients", params, tiny_model(kind), {"image": photo()}, context)
    assert context.steps[-1] == (params.steps * params.samples,) * 2
    return summary, np.load(io.BytesIO(context.files["values.npy"]))


@pytest.mark.parametrize("steps", [1, 7, 50])
def test_it_agrees_with_captum(steps: int) -> None:
    model = tiny_model()
    _, values = ran(target="class:3", steps=steps, baseline="mean")
    x = model.prepare(photo()).x
    expected = IntegratedGradients(model.network.module).attribute(
        x, baselines=0.0, target=3, n_steps=steps, method="gausslegendre"
    )
    np.testing.assert_allclose(values, expected[0].sum(0).detach().numpy(), atol=1e-5)


@pytest.mark.parametrize("baseline", ["black", "gray", "white", "blur"])
def test_the_values_add_up_to_the_change_of_the_score(baseline: str) -> None:
    summary, values = ran(target="class:3", steps=200, baseline=baseline)
    change = summary.score_value - summary.baseline_score
    assert float(values.astype(np.float64).sum()) - change == pytest.approx(
        summary.convergence_delta, abs=1e-6
    )
    assert abs(summary.convergence_delta) < 0.02 * max(abs(change), 0.05)


def test_one_point_is_exact_on_a_linear_model() -> None:
    model = tiny_model(Linear)
    summary, values = ran(Linear, target="class:2", steps=1, baseline="mean")
    weight = model.network.module.head.weight[2].view(3, SIDE, SIDE)
    expected = (weight * model.prepare(photo()).x[0]).sum(0)
    np.testing.assert_allclose(values, expected.numpy(), atol=1e-5)
    assert abs(summary.convergence_delta) < 1e-4


def test_a_polynomial_is_integrated_exactly() -> None:
    x, baseline = (
        torch.full((1, 1, 1, 1), 3.0, dtype=torch.float64),
        torch.ones(1, 1, 1, 1, dtype=torch.float64),
    )
    value = integrated_gradients(lambda z: 4 * z**3, x, baseline, 2, lambda _: None)  # d/dz z⁴
    assert value.item() == pytest.approx(3**4 - 1, rel=1e-12)
