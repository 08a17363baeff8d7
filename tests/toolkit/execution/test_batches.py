"""Batches shrink where memory is short, to one image at least, and are never needlessly large."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from catalog.targets import parse_target
from tests.tiny import photo, tiny_model
from tests.toolkit.networks import noise
from workers.toolkit.attribution.explained_input import explain_input
from workers.toolkit.attribution.grad_cam import class_activation_map
from workers.toolkit.execution import batches
from workers.toolkit.execution.batches import batch_size
from workers.toolkit.execution.input_gradient import input_gradient
from workers.toolkit.network.network import LOGITS, Network
from workers.toolkit.network.unit import Unit

NETWORK = tiny_model().network


@pytest.mark.parametrize(("free", "expected"), [(0, 1), (10**12, 32)])
def test_bounds(monkeypatch: pytest.MonkeyPatch, free: int, expected: int) -> None:
    monkeypatch.setattr(batches, "free_bytes", lambda device: free)
    assert batch_size(NETWORK, LOGITS) == expected


def test_it_grows_with_what_is_free_and_a_gradient_needs_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """conv1 (with bn1), relu1, conv2, relu2 and the sum hold 6 × 16 × 16 floats for one image each.

    The pool holds a quarter of that, conv3 and relu3 a third each. With the layers behind them
    that is at most 6 times as much.
    """
    largest = 6 * 16 * 16 * 4
    monkeypatch.setattr(
        batches, "free_bytes", lambda device: 4 * 4 * largest * 16
    )  # a quarter of it is used
    assert batch_size(NETWORK, LOGITS) == 16
    assert (
        batch_size(NETWORK, LOGITS, gradient=True) == 8
    )  # 16 · 4 / 6, and no more than a power of two
    assert batch_size(NETWORK, "relu1") > batch_size(NETWORK, LOGITS)


@pytest.mark.parametrize(("free", "most"), [(0, 1), (10**12, 7)])
def test_scores_and_gradients_take_pieces_that_fit(
    monkeypatch: pytest.MonkeyPatch, free: int, most: int
) -> None:
    model = tiny_model(double=True)
    network, single = model.network, tiny_model()
    explained = explain_input(single, photo(), parse_target("class:3", single.labels, "tiny"))
    monkeypatch.setattr(batches, "free_bytes", lambda device: free)
    x, seen, unit = noise(7).double(), list[int](), Unit(LOGITS, 3)
    whole, run_uncut = network.logits(x)[:, 3], Network.run_uncut

    def spy(of: Network, some: Tensor, *rest: Any) -> tuple[Tensor, ...]:
        seen.append(len(some))
        return run_uncut(of, some, *rest)

    monkeypatch.setattr(Network, "run_uncut", spy)
    scores = replace(explained, model=model).score_runner().run(x)
    gradient = input_gradient(network, unit, x)
    maps = class_activation_map(network, unit, "conv3", x)
    assert max(seen) == most
    assert sum(seen) == 3 * 7
    torch.testing.assert_close(scores, whole, rtol=0, atol=1e-12)
    y = x.clone().requires_grad_()
    expected = torch.autograd.grad(network.module(y)[:, 3].sum(), y)[0]
    torch.testing.assert_close(gradient, expected, rtol=0, atol=1e-12)
    assert maps.shape == (7, 8, 8)
