"""Tensors with several names, tensors that nobody needs, and modules that ask for a version."""

from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import load_file, save_file, save_model

from tests.workers.odd_networks import built, load
from workers.models.errors import WeightsMismatch
from workers.models.state_names import fill


def test_tied_weights_as_safetensors_saves_them_are_loaded(tmp_path: Path) -> None:
    file = tmp_path / "Tied.safetensors"
    save_model(built("Tied"), file)
    assert "third.weight" not in load_file(file)
    x = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(
        load(tmp_path, "Tied").network.logits(x), built("Tied")(x), rtol=1e-5, atol=1e-5
    )


def test_different_values_for_one_tensor_are_refused(tmp_path: Path) -> None:
    state = {name: value.clone() for name, value in built("Tied").state_dict().items()}
    fill(built("Tied"), state, "f")
    state["third.weight"] += 1
    with pytest.raises(WeightsMismatch, match="are one tensor in the model, but they differ"):
        fill(built("Tied"), state, "f")


def test_a_name_that_is_missing_and_not_tied_is_refused() -> None:
    state = built("Tied").state_dict()
    del state["first.weight"]
    with pytest.raises(WeightsMismatch, match=r"needs 'first.weight'"):
        fill(built("Tied"), state, "f")


def test_tensors_of_a_profiler_can_be_ignored(tmp_path: Path) -> None:
    state = built("Net").state_dict()
    counts = {"total_ops": torch.zeros(1), "first.total_params": torch.zeros(1)}
    save_file(state | counts, tmp_path / "Net.safetensors")
    advice = r'ignore = \["\*total_ops", "\*total_params"\]'
    with pytest.raises(WeightsMismatch, match=advice):
        load(tmp_path, "Net")
    model = load(tmp_path, "Net", 'ignore = ["*total_ops", "*total_params"]')
    bare = tmp_path / "bare"
    bare.mkdir()
    assert model.weights == load(bare, "Net").weights
    with pytest.raises(WeightsMismatch, match=r"matches '\*nothing' of ignore"):
        load(tmp_path, "Net", 'ignore = ["*total*", "*nothing"]')
    with pytest.raises(WeightsMismatch, match=r"needs 'first.weight'"):
        load(tmp_path, "Net", 'ignore = ["*total*", "first.weight"]')


def test_a_module_that_asks_for_the_version_of_its_format_gets_it() -> None:
    module, trained = (torchvision.models.mnasnet0_5(weights=None) for _ in range(2))
    fill(module, dict(trained.state_dict()), "mnasnet.pth")
    for name, value in trained.state_dict().items():
        assert torch.equal(module.state_dict()[name], value)


def test_statistics_of_before_the_batches_were_counted_are_loaded() -> None:
    state = built("Net").state_dict()
    del state["norm.num_batches_tracked"]
    fill(built("Net"), dict(state), "f")
