"""A custom model is loaded as its entry says. Whatever does not fit is explained.

No code in a weights file is run.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from catalog.custom_models import read_models
from workers.models.errors import (
    BuilderFailed,
    ModelError,
    WeightsDamaged,
    WeightsMismatch,
    WeightsRefused,
    WeightsUnavailable,
    WrongOutput,
)
from workers.models.load import digest, load_model
from workers.toolkit.network.vision_model import VisionModel

CPU = torch.device("cpu")
MODULE = """
import torch
from torch import nn
from small_parts import width


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, width, 3), nn.BatchNorm2d(width), nn.ReLU())
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        return self.head(self.body(x).mean((2, 3)))


def build(classes=4):
    return Net(classes)


def fail():
    raise FileNotFoundError("no file /srv/secret/place/net.yaml")


def nothing():
    return nn.ReLU()


def number():
    return 4


def mapping():
    class Named(Net):
        def forward(self, x):
            return {"logits": super().forward(x)}
    return Named(4)
"""
ENTRY = """
[models.mine]
builder = "small_net:build"
weights = "small.pt"
input_size = 12
channels = 1
mean = 0.5
std = 0.25
classes = 4
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    (folder / "small_net.py").write_text(MODULE)
    (folder / "small_parts.py").write_text("width = 5")
    return folder


@pytest.fixture(scope="module")
def state(folder: Path) -> dict[str, torch.Tensor]:
    return state_of(folder)


def state_of(folder: Path) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    shapes = {
        "body.0.weight": (5, 1, 3, 3),
        "body.0.bias": (5,),
        "head.weight": (4, 5),
        "head.bias": (4,),
    }
    shapes |= {f"body.1.{name}": (5,) for name in ("weight", "bias", "running_mean", "running_var")}
    made = {name: torch.rand(shape, generator=generator) + 0.1 for name, shape in shapes.items()}
    return made | {"body.1.num_batches_tracked": torch.tensor(7)}


def load(folder: Path, saved: Any, more: str = "", entry: str = ENTRY) -> VisionModel:
    if saved is not None:
        torch.save(saved, folder / "small.pt")
    (folder / "models.toml").write_text(entry + more)
    return load_model(read_models(folder / "models.toml")["mine"], CPU)


def by_hand(state: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """Compute the network's formula from the tensors alone."""
    y = torch.nn.functional.conv2d(x, state["body.0.weight"], state["body.0.bias"])
    norm = [state[f"body.1.{name}"] for name in ("running_mean", "running_var", "weight", "bias")]
    y = torch.nn.functional.batch_norm(y, *norm).relu().mean((2, 3))
    return y @ state["head.weight"].T + state["head.bias"]


def check(model: VisionModel, state: dict[str, torch.Tensor]) -> None:
    x = torch.randn(3, 1, 12, 12, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(model.network.logits(x), by_hand(state, x), rtol=1e-4, atol=1e-5)
    assert model.weights == digest(state)


def test_a_state_dict_and_safetensors_give_the_same_model(folder: Path, state: dict) -> None:
    check(load(folder, state), state)
    save_file(state, folder / "small.safetensors")
    check(load(folder, None, entry=ENTRY.replace("small.pt", "small.safetensors")), state)


def test_a_nested_checkpoint_with_another_prefix_and_other_names_is_loaded(
    folder: Path, state: dict
) -> None:
    theirs = {f"module.{name.replace('head.', 'fc.')}": tensor for name, tensor in state.items()}
    saved = {"epoch": 3, "model": theirs | {"criterion.weight": torch.ones(2)}}
    named = 'weights_key = "model"\nprefix = "module."\nrenames = { "fc." = "head." }'
    check(load(folder, saved, named), state)


def test_an_empty_beginning_adds_a_prefix_to_all_names(folder: Path, state: dict) -> None:
    bare = {name.removeprefix("body."): tensor for name, tensor in state.items()}
    check(load(folder, bare, 'renames = { "" = "body.", "head." = "head." }'), state)


def test_half_precision_becomes_single_precision(folder: Path, state: dict) -> None:
    half = {
        name: tensor.half() if tensor.is_floating_point() else tensor
        for name, tensor in state.items()
    }
    model = load(folder, half)
    assert model.network.module.head.weight.dtype == torch.float32


class Evil:
    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.witness,)


def test_pickled_code_is_never_run(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(
        WeightsRefused, match=r"'small.pt' contains pickled code.*torch.save\(model.state_dict\(\)"
    ):
        load(folder, {"weight": Evil(tmp_path / "ran")})
    with pytest.raises(WeightsRefused):
        load(folder, torch.nn.Linear(2, 2))
    assert not (tmp_path / "ran").exists()


def test_damaged_and_missing_files_are_reported(folder: Path, state: dict) -> None:
    torch.save(state, folder / "small.pt")
    whole = (folder / "small.pt").read_bytes()
    for data in (whole[: len(whole) // 2], b""):
        (folder / "small.pt").write_bytes(data)
        with pytest.raises((WeightsDamaged, WeightsRefused), match=r"'small.pt'.*damaged"):
            load(folder, None)
    (folder / "small.safetensors").write_bytes(whole)
    with pytest.raises(WeightsDamaged, match="not a safetensors file"):
        load(folder, None, entry=ENTRY.replace("small.pt", "small.safetensors"))
    (folder / "small.pt").unlink()
    with pytest.raises(WeightsUnavailable, match=r"'small.pt' is not on the worker's machine"):
        load(folder, None)


def changed(state: dict[str, torch.Tensor], **kind: Any) -> dict[str, torch.Tensor]:
    return {
        kind.get("begin", "") + name: tensor
        for name, tensor in state.items()
        if name != kind.get("without")
    }


@pytest.mark.parametrize(
    ("saved", "more", "words"),
    [
        (lambda s: {"state_dict": s, "epoch": 1}, "", ('weights_key = "state_dict"',)),
        (lambda s: {"ema": s}, 'weights_key = "model"', ("no key 'model'", "'ema'")),
        (lambda s: [1, 2], "", ("not a state dict", "list")),
        (lambda s: {"epoch": 1}, "", ("not a state dict", "'epoch'")),
        (
            lambda s: changed(s, begin="module."),
            "",
            ("needs 'body.0.weight'", "also has 'module.", 'prefix = "module."'),
        ),
        (
            lambda s: {k.removeprefix("body."): v for k, v in s.items()},
            "",
            ('renames = { "" = "body." }',),
        ),
        (lambda s: changed(s, without="head.bias"), "", ("needs 'head.bias'.",)),
        (lambda s: s | {"extra.weight": torch.ones(1)}, "", ("also has 'extra.weight'.",)),
        (
            lambda s: s | {"head.weight": torch.ones(9, 5)},
            "",
            ("'head.weight' is (9, 5)", "(4, 5) in the model"),
        ),
        (lambda s: s, 'prefix = "net."', ("begins with the prefix 'net.'", "'body.0.weight'")),
        (lambda s: s, 'renames = { "fc." = "head." }', ("begins with 'fc.'",)),
        (lambda s: s, 'renames = { "head.weight" = "head.bias" }', ("same name",)),
    ],
)
def test_names_and_shapes_that_do_not_fit_are_explained(
    folder: Path, state: dict, saved: Any, more: str, words: tuple
) -> None:
    with pytest.raises(WeightsMismatch) as refused:
        load(folder, saved(state), more)
    for word in words:
        assert word in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "kind", "words"),
    [
        (
            "small_net:build",
            "gone_net:build",
            BuilderFailed,
            ("No module named 'gone_net'", "beside the TOML file"),
        ),
        ("small_net:build", "small_net:bild", BuilderFailed, ("AttributeError", "bild")),
        ("small_net:build", "small_net:fail", BuilderFailed, ("no file …/net.yaml",)),
        ("small_net:build", "small_net:number", BuilderFailed, ("returns int, not an nn.Module",)),
        ("small_net:build", "small_net:nothing", BuilderFailed, ("without parameters",)),
        (
            "small_net:build",
            "small_net:mapping",
            WrongOutput,
            ("returns a dict", "(batch, classes)"),
        ),
        ("classes = 4", "classes = 5", WrongOutput, ("4 classes, but its entry says 5",)),
        ("channels = 1", "channels = 3", WrongOutput, ("2 × 3 × 12 × 12", "channels")),
        ("input_size = 12", "input_size = 2", WrongOutput, ("2 × 1 × 2 × 2", "input_size")),
    ],
)
def test_builders_and_outputs_that_do_not_fit_are_explained(
    folder: Path, state: dict, old: str, new: str, kind: type[ModelError], words: tuple
) -> None:
    with pytest.raises(kind) as refused:
        load(folder, state, entry=ENTRY.replace(old, new))
    for word in words:
        assert word in str(refused.value)
    assert str(folder) not in str(refused.value) and "secret" not in str(refused.value)


def test_weights_that_give_nan_are_refused(folder: Path, state: dict) -> None:
    with pytest.raises(WrongOutput, match="NaN"):
        load(folder, state | {"head.bias": torch.full((4,), torch.nan)})


BATCH_DEPENDENT = {
    "statistics": ("BatchNorm2d(width)", "BatchNorm2d(width, track_running_stats=False)"),
    "whole_range": ("self.body(x)", "self.body((x - x.min()) / (x.max() - x.min()))"),
    "softmax_over_the_batch": (
        "self.head(",
        "torch.softmax(x.mean((1, 2, 3)), 0)[:, None] + self.head(",
    ),
}


@pytest.mark.parametrize("kind", BATCH_DEPENDENT)
def test_a_model_whose_output_depends_on_its_batch_is_refused(
    folder: Path, state: dict, kind: str
) -> None:
    (folder / f"net_{kind}.py").write_text(MODULE.replace(*BATCH_DEPENDENT[kind]))
    kept = {name: value for name, value in state.items() if "running" not in name}
    kept.pop("body.1.num_batches_tracked")
    weights = kept if kind == "statistics" else state
    with pytest.raises(WrongOutput, match="alone in its batch"):
        load(folder, weights, entry=ENTRY.replace("small_net:build", f"net_{kind}:build"))
