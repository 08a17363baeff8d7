"""What a builder returns is run as its own code, in single precision, or refused in words."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch._dynamo.utils import counters

from tests.workers.odd_networks import built, entry_of, load
from workers.models.custom import architecture
from workers.models.errors import BuilderFailed, WrongOutput

IMAGES = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("kind", ["compiled", "CompiledPart"])
def test_a_compiled_network_runs_as_its_own_code(tmp_path: Path, kind: str) -> None:
    """Its layers and weights have the names that they have without torch.compile."""
    names = architecture(entry_of(tmp_path, kind)).state_dict().keys()
    assert not any("_orig_mod" in name for name in names)
    model = load(tmp_path, kind)
    assert {"first", "second"} <= model.network.layers.keys()
    assert not any("_orig_mod" in path for path in model.network.layers)
    plain = built("Net")
    expected = plain(torch.tanh(IMAGES))
    torch.testing.assert_close(model.network.logits(IMAGES), expected, rtol=1e-5, atol=1e-5)


def test_a_prefix_of_compiled_weights_still_is_one(tmp_path: Path) -> None:
    names = built("Net").state_dict()
    save_file(
        {f"_orig_mod.{name}": tensor for name, tensor in names.items()},
        tmp_path / "Net.safetensors",
    )
    for more in ("", 'prefix = "_orig_mod."'):
        assert "second" in load(tmp_path, "Net", more).network.layers


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:FutureWarning")
def test_torchscript_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuilderFailed, match=r"is a TorchScript module, .* Build the nn.Module"):
        load(tmp_path, "scripted")


@pytest.mark.parametrize("kind", ["halved", "doubled"])
def test_a_network_of_another_precision_is_converted(tmp_path: Path, kind: str) -> None:
    model = load(tmp_path, kind)
    assert {tensor.dtype for tensor in model.network.module.parameters()} == {torch.float32}
    expected = built(kind).double()(IMAGES.double()).float()
    torch.testing.assert_close(model.network.logits(IMAGES), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("CastsToDouble", r"double.*Remove half\(\), double\(\) and other casts"),
        ("SparseScores", r"returns a sparse tensor. Return output.to_dense\(\)"),
        ("WholeScores", r"returns numbers of type int64, of which there is no probability"),
        ("Stepped", r"no gradient of the operator heaviside.*x\.detach\(\)"),
    ],
)
def test_what_cannot_be_run_is_refused_in_words(tmp_path: Path, kind: str, words: str) -> None:
    with pytest.raises(WrongOutput, match=words):
        load(tmp_path, kind)


def test_a_detached_step_leaves_a_network_without_gradient(tmp_path: Path) -> None:
    assert not load(tmp_path, "SteppedDetached").network.has_gradient("")


def test_nothing_is_compiled(tmp_path: Path) -> None:
    entry_of(tmp_path, "compiled")
    counters.clear()
    load(tmp_path, "compiled").network.logits(IMAGES)
    assert not counters["frames"]
