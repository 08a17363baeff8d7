"""Batches: fewer where memory is short, never none, and no more than makes sense."""

import pytest
import torch

from tests.tiny import tiny_model
from workers.toolkit import batches
from workers.toolkit.batches import batch_size, free_bytes
from workers.toolkit.network import LOGITS

NETWORK = tiny_model().network


@pytest.mark.parametrize(("free", "expected"), [(0, 1), (10**12, 32)])
def test_bounds(monkeypatch: pytest.MonkeyPatch, free: int, expected: int) -> None:
    monkeypatch.setattr(batches, "free_bytes", lambda device: free)
    assert batch_size(NETWORK, LOGITS) == expected


def test_it_grows_with_what_is_free_and_a_gradient_needs_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """conv1, bn1, relu1, conv2, relu2 and the sum each hold 6 × 16 × 16 floats for one image; the rest is less."""
    largest = 6 * 16 * 16 * 4
    monkeypatch.setattr(batches, "free_bytes", lambda device: 4 * 4 * largest * 10)  # a quarter of it is used
    assert batch_size(NETWORK, LOGITS) == 10
    assert 10 * 4 / 8 <= batch_size(NETWORK, LOGITS, gradient=True) <= 10 * 4 / 6


def test_a_container_s_limit_counts(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("400000\n")
    monkeypatch.setattr(batches, "_CGROUP", tmp_path)
    assert free_bytes(torch.device("cpu")) == 600_000
    (tmp_path / "memory.max").write_text("max\n")
    assert free_bytes(torch.device("cpu")) > 600_000
